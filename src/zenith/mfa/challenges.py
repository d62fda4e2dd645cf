"""WebAuthn challenges and enrolment tickets: made without a store, used once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, derive
from zenith.mfa.store import ChallengeStore

LIFETIME: Final = 10 * 60
"""Seconds, where nothing else is said."""
_RANDOM: Final = 16
_EXPIRY: Final = 8
_MAC: Final = 32
LENGTH: Final = _RANDOM + _EXPIRY + _MAC


class Challenges:
    """Issues challenges that carry their own proof, so that a sign-in page costs no row.

    Threat: an answer replayed, made for another purpose, or begun in one browser and finished in
    another (WebAuthn section 13.4.3, ASVS 6.5.1). 128 random bits, the end, and an HMAC over both,
    the purpose and what it is bound to: a session, a waiting sign-in, a browser's cookie. Using
    one is one atomic statement. The first secret signs, all verify.
    """

    def __init__(
        self, keys: Sequence[Secret], store: ChallengeStore, *, clock: Clock = wall_clock
    ) -> None:
        if not keys:
            raise ConfigurationError("mfa: no key was given", fix="pass at least one secret")
        self._keys: Final = [derive(key, "mfa/challenges") for key in keys]
        self._store: Final = store
        self._clock: Final = clock

    def issue(self, purpose: str, binding: str, *, lifetime: int = LIFETIME) -> bytes:
        """A challenge for one use within `lifetime` seconds."""
        end = int(self._clock()) + lifetime
        head = secrets.token_bytes(_RANDOM) + end.to_bytes(_EXPIRY, "big")
        return head + _mac(self._keys[0], head, purpose, binding)

    def holds(self, challenge: bytes, purpose: str, binding: str) -> bool:
        """Whether it was issued for this and has not expired; it may have been used."""
        head, mac = challenge[:-_MAC], challenge[-_MAC:]
        if len(challenge) != LENGTH or self._clock() >= _end(head):
            return False
        return any(
            hmac.compare_digest(mac, _mac(key, head, purpose, binding)) for key in self._keys
        )

    async def spend(self, challenge: bytes, purpose: str, binding: str) -> bool:
        """Use it up: True once, for one of many callers."""
        if not self.holds(challenge, purpose, binding):
            return False
        return await self._store.spend(
            hashlib.sha256(challenge).hexdigest(), expires_at=float(_end(challenge[:-_MAC]))
        )


def _end(head: bytes) -> int:
    return int.from_bytes(head[_RANDOM:], "big")


def _mac(key: bytes, head: bytes, purpose: str, binding: str) -> bytes:
    return hmac.digest(key, head + f"{purpose}\n{binding}".encode(), "sha256")
