"""Refresh tokens: opaque, rotated at every use, strict and yet safe for two tabs at once.

The threat: a refresh token is copied, and the thief and the owner both use it (RFC 9700 section
4.14.2, ASVS 10.4.5). Each use spends the token. A spent one that comes back revokes the family, so
that neither goes on. Two tabs that refresh in the same second are not a theft, though: the
successor is derived from the presented token under a key that only the server has, so that every
process answers every concurrent presenter with the same successor, and nothing but digests is kept.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from secrets import token_bytes
from typing import Final, TypeAlias

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, b64encode, check_strength, derive, digest
from zenith.kernel.records import dataclass
from zenith.tokens.errors import TokenError, TokenFault, TokenReusedError
from zenith.tokens.settings import TokenSettings
from zenith.tokens.store import RefreshFamily, RefreshStore, Rotation

PREFIX: Final = "zr_"
HANDLE_BYTES: Final = 18
HANDLE_CHARACTERS: Final = 24
BODY_BYTES: Final = 32
PURPOSE: Final = "tokens/refresh"
_FORM: Final = re.compile(r"zr_[A-Za-z0-9_-]{67}")

RandomBytes: TypeAlias = Callable[[int], bytes]


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class RefreshGrant:
    """A refresh token for the client, and what it stands for."""

    token: str
    family_id: str
    """The session that the token belongs to."""
    account_id: str
    expires_at: float
    """Absolute end of the family in Unix seconds."""
    replayed: bool = False
    """True if another presenter had rotated the same token just before."""

    def __repr__(self) -> str:
        return f"RefreshGrant(family_id={self.family_id!r}, replayed={self.replayed})"


def handle_of(token: str) -> str:
    """The part that all tokens of a family share; TokenError for text of any other form."""
    if _FORM.fullmatch(token) is None:
        raise TokenError("malformed")
    return token[len(PREFIX) : len(PREFIX) + HANDLE_CHARACTERS]


def successor_of(token: str, key: bytes) -> str:
    """The one token that may follow `token`: its handle, and the HMAC-SHA256 of it under `key`."""
    return PREFIX + handle_of(token) + b64encode(hmac.digest(key, token.encode(), "sha256"))


class RefreshTokens:
    """Starts, rotates and revokes families of refresh tokens.

    `secrets` are the application's secrets, the present one first: earlier ones are still tried
    for a token that another process rotated while the secret was being changed.
    """

    def __init__(
        self,
        store: RefreshStore,
        secrets: Secret | Sequence[Secret],
        *,
        settings: TokenSettings | None = None,
        clock: Clock = wall_clock,
        random: RandomBytes = token_bytes,
    ) -> None:
        if isinstance(secrets, Secret):
            secrets = (secrets,)
        if not secrets:
            raise ConfigurationError(
                "refresh tokens have no secret", fix="pass the application's secret"
            )
        for secret in secrets:
            check_strength(secret, setting="secret_key")
        self._keys: Final = [derive(secret, PURPOSE) for secret in secrets]
        self._store: Final = store
        self._settings: Final = settings or TokenSettings()
        self._clock: Final = clock
        self._random: Final = random

    def __repr__(self) -> str:
        return f"RefreshTokens(store={type(self._store).__name__})"

    async def start(
        self, *, session_id: str, account_id: str, thumbprint: str | None = None
    ) -> RefreshGrant:
        """Issue the first refresh token of a sign-in. `session_id` becomes the family's id.

        With the `thumbprint` of a key, the family is found by those only who prove that key
        (RFC 9449 section 5).
        """
        now = self._clock()
        handle = b64encode(self._random(HANDLE_BYTES))
        token = PREFIX + handle + b64encode(self._random(BODY_BYTES))
        expires_at = now + self._settings.refresh_lifetime
        await self._store.start(
            RefreshFamily(
                id=session_id,
                account_id=account_id,
                handle=digest(_bound(handle, thumbprint)),
                current=digest(token),
                created_at=now,
                expires_at=expires_at,
            )
        )
        return RefreshGrant(
            token=token, family_id=session_id, account_id=account_id, expires_at=expires_at
        )

    async def rotate(self, token: str, *, thumbprint: str | None = None) -> RefreshGrant:
        """Spend `token` for its successor. `thumbprint` is the key that the presenter has proven: a
        token that was issued to another key, or to none, is unknown.

        Raises TokenReusedError if the token was spent before (its family is revoked by then), and
        TokenError if it is malformed, unknown, expired or revoked.
        """
        handle = handle_of(token)
        successors = {digest(text): text for text in (successor_of(token, k) for k in self._keys)}
        rotation = await self._store.rotate(
            handle=digest(_bound(handle, thumbprint)),
            presented=digest(token),
            successor=next(iter(successors)),
            now=self._clock(),
            grace=self._settings.refresh_grace,
        )
        if rotation.outcome in ("rotated", "replayed"):
            return _grant(rotation, successors)
        if rotation.outcome == "reused":
            raise TokenReusedError(family_id=rotation.family_id, account_id=rotation.account_id)
        raise TokenError(_FAULTS[rotation.outcome])

    async def find(self, token: str, *, thumbprint: str | None = None) -> RefreshFamily | None:
        """The living family of `token`, whichever generation it is of; None for any other text."""
        try:
            handle = handle_of(token)
        except TokenError:
            return None
        return await self._store.find(handle=digest(_bound(handle, thumbprint)), now=self._clock())

    async def revoke_family(self, family_id: str) -> bool:
        """End one sign-in's refresh tokens; True if they were alive."""
        return await self._store.revoke_family(family_id, now=self._clock())

    async def revoke_account(self, account_id: str, *, keep: str | None = None) -> int:
        """End all of an account's refresh tokens but those of the family `keep`."""
        return await self._store.revoke_account(account_id, now=self._clock(), keep=keep)

    async def prune(self) -> int:
        """Delete families past their absolute end; how many it were."""
        return await self._store.prune(self._clock())


def _bound(handle: str, thumbprint: str | None) -> str:
    return handle if thumbprint is None else f"{handle}.{thumbprint}"


def _grant(rotation: Rotation, successors: Mapping[str, str]) -> RefreshGrant:
    token = successors.get(rotation.current)
    if token is None:
        # Another process rotated it under a secret that is not known here: refuse this presenter,
        # and do not punish the owner for the operator's change of secrets.
        raise TokenError("unknown_token")
    return RefreshGrant(
        token=token,
        family_id=rotation.family_id,
        account_id=rotation.account_id,
        expires_at=rotation.expires_at,
        replayed=rotation.outcome == "replayed",
    )


_FAULTS: Final[Mapping[str, TokenFault]] = {
    "unknown": "unknown_token",
    "expired": "expired",
    "revoked": "revoked",
}
