"""Tokens that were verified before, with the principal they stand for.

The threat is a cache that keeps a token alive: past its end, past its key, past a sign-out. So each
entry carries its end, the version of the key ring that it was verified under, and the version of
the revocations that it was last held against; at every use all three are looked at. Only tokens
whose signature held get in, so that nobody can push out others with rubbish, and two generations of
bounded size make every step O(1).

Tokens are kept whole, not as digests: hashing one costs more than all the rest of a hit. A look-up
compares texts only where their 64-bit keyed hashes are equal, so its time tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zenith.kernel.principal import Principal

MAX_CACHED_TOKEN: Final = 2048
"""Bytes; longer tokens are verified anew each time, which bounds the cache's memory."""


@dataclass(slots=True, kw_only=True, eq=False)
class VerifiedToken:
    """What was learnt by verifying a token."""

    principal: Principal
    expires_at: float
    """Unix seconds: the earliest of the token's `exp`, the end of its key, and the end of a role
    that it carries."""
    issued_at: float
    token_id: str
    version: int
    """Version of the key ring under which it was verified."""
    thumbprint: str | None = None
    """The key that alone may use the token (RFC 9449), if it is bound to one."""
    judged: int = -1
    """Version of the revocations among which it was not found."""


class TokenCache:
    """A bounded map from token to what it stands for; `entries` of zero keeps nothing."""

    __slots__ = ("_half", "_old", "young")

    def __init__(self, entries: int) -> None:
        self._half: Final = entries // 2
        self.young: dict[bytes, VerifiedToken] = {}
        """The younger generation, for whoever looks an entry over by himself."""
        self._old: dict[bytes, VerifiedToken] = {}

    def get(self, token: bytes, *, now: float, version: int) -> VerifiedToken | None:
        """The entry of `token`, unless it has ended or the key ring has changed since."""
        found = self.young.get(token)
        if found is None:
            found = self._old.get(token)
            if found is None:
                return None
            self._keep(token, found)
        if found.version != version or found.expires_at <= now:
            del self.young[token]
            self._old.pop(token, None)
            return None
        return found

    def put(self, token: bytes, verified: VerifiedToken) -> None:
        """Remember a token whose signature and claims held."""
        if self._half and len(token) <= MAX_CACHED_TOKEN:
            self._keep(token, verified)

    def clear(self) -> None:
        """Forget everything."""
        self.young, self._old = {}, {}

    def __len__(self) -> int:
        return len(self.young.keys() | self._old.keys())

    def _keep(self, token: bytes, verified: VerifiedToken) -> None:
        if len(self.young) >= self._half:
            self.young, self._old = {}, self.young
        self.young[token] = verified
