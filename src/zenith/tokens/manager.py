"""Issues and verifies tokens: signature, claims and revocation in one call (RFC 9068, RFC 8725)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

from zenith.authentication import Revocation, RevocationList
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret, new_id
from zenith.tokens.claims import ExpectedClaims, validate_claims
from zenith.tokens.errors import TokenError
from zenith.tokens.json_object import parse_object
from zenith.tokens.jws import Claims, sign_compact, verified
from zenith.tokens.keyring import KeyRing
from zenith.tokens.keys import Key
from zenith.tokens.settings import TokenSettings

TokenType: TypeAlias = Literal["access", "refresh"]
MEDIA_TYPES: Final[Mapping[TokenType, str]] = {"access": "at+jwt", "refresh": "rt+jwt"}
"""The header's `typ` of each kind: a token of one kind is never taken for the other."""
RESERVED_CLAIMS: Final = frozenset({"aud", "exp", "iat", "iss", "jti", "nbf", "type"})
"""What the manager alone writes."""


class TokenManager:
    """Signs access tokens and verifies them, with everything that verification means.

    `TokenManager(secret)` derives its keys from a secret of at least 256 bits; `keyring` brings
    keys of its own. `revocations` makes `verify_token` refuse what was revoked; without it nothing
    can be revoked before it expires.

    Raises ConfigurationError for a weak secret, or for both or neither of secret and key ring.
    """

    def __init__(
        self,
        secret: Secret | str | None = None,
        *,
        keyring: KeyRing | None = None,
        settings: TokenSettings | None = None,
        revocations: RevocationList | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self.settings: Final = settings or TokenSettings()
        if (secret is None) == (keyring is None):
            raise ConfigurationError(
                "TokenManager needs a secret or a key ring, and not both",
                fix="pass one of them: TokenManager(secret) or TokenManager(keyring=...)",
            )
        self.keyring: Final = keyring or _keyring_from(secret, self.settings)
        self.revocations: Final = revocations
        self.clock: Final = clock
        self._expected: Final = {
            kind: ExpectedClaims(
                issuer=self.settings.issuer,
                audience=self.settings.audience,
                typ=typ,
                type=kind,
                leeway=self.settings.leeway,
            )
            for kind, typ in MEDIA_TYPES.items()
        }

    def __repr__(self) -> str:
        return f"TokenManager(issuer={self.settings.issuer!r}, keyring={self.keyring!r})"

    def issue_access(
        self,
        subject: str,
        *,
        session_id: str | None = None,
        roles: Iterable[str] = (),
        role_ends: Mapping[str, float] | None = None,
        permissions: Iterable[str] = (),
        scopes: Iterable[str] | None = None,
        factors: Mapping[str, float] | None = None,
        tenant: str | None = None,
        client_id: str | None = None,
        thumbprint: str | None = None,
        claims: Mapping[str, Any] | None = None,
        lifetime: float | None = None,
        known_at: float | None = None,
    ) -> str:
        """A signed access token of the RFC 9068 profile for `subject`, the account's id.

        `roles` and `permissions` are those held, not compiled; `role_ends` are roles and when they
        end, a claim of its own: who does not know it grants less. With `scopes` no role counts, and
        of permissions those that they name. `factors` says when each factor was proven, in Unix
        seconds. `thumbprint` is the key that alone may use the token (RFC 9449); `claims` are
        further ones, such as `auth_time`. `lifetime`, in seconds, and `known_at`: as for `issue`.
        """
        cnf = None if thumbprint is None else {"jkt": thumbprint}
        named = {"sid": session_id, "tenant": tenant, "client_id": client_id, "cnf": cnf}
        complete: Claims = {**(claims or {}), "sub": subject}
        complete.update({name: value for name, value in named.items() if value is not None})
        if held := sorted(roles):
            complete["roles"] = held
        if role_ends:
            complete["role_ends"] = dict(role_ends)
        if own := sorted(permissions):
            complete["permissions"] = own
        if scopes is not None:
            complete["scope"] = " ".join(sorted(scopes))
        if factors:
            complete["factors"] = {name: int(at) for name, at in factors.items()}
        return self.issue("access", complete, lifetime=lifetime, known_at=known_at)

    def issue(
        self,
        kind: TokenType,
        claims: Mapping[str, Any],
        *,
        lifetime: float | None = None,
        known_at: float | None = None,
    ) -> str:
        """A signed token of `kind` with `claims` and those that every token has.

        `known_at` is the Unix time at which one began to find out what it says, now if left out. It
        becomes the `iat`: what revokes earlier tokens, since roles have changed, revokes this too.

        Raises ValueError for claims of `RESERVED_CLAIMS`, for a token that would not pass its own
        verification, and for a lifetime that is not positive.
        """
        if not RESERVED_CLAIMS.isdisjoint(claims):
            names = ", ".join(sorted(RESERVED_CLAIMS.intersection(claims)))
            raise ValueError(f"these claims are written by the manager: {names}")
        lifetime = self._lifetime(kind) if lifetime is None else lifetime
        if not 0 < lifetime <= self.settings.refresh_lifetime:
            raise ValueError("the lifetime is not between 0 and `refresh_lifetime`")
        now = self.clock() if known_at is None else known_at
        complete = {
            "iss": self.settings.issuer,
            "aud": self.settings.audience,
            **claims,
            # Microseconds, for a sign-out everywhere refuses what was issued before it and nothing
            # that was issued in the same second after it.
            "iat": round(now, 6),
            "exp": math.ceil(now + lifetime),
            "jti": new_id(),
            "type": kind,
        }
        typ = MEDIA_TYPES[kind]
        try:
            validate_claims({"typ": typ}, complete, expected=self._expected[kind], now=now)
        except TokenError as error:
            raise ValueError(f"the token would not verify: {error.reason}") from error
        return sign_compact(complete, self.keyring.signing_key(now), typ=typ)

    def verify(self, token: str, *, expected_type: TokenType = "access") -> Claims:
        """The claims of a token whose signature and claims hold; revocation is not looked at.

        Raises TokenError. Use `verify_token` wherever a token decides about access.
        """
        return self._verify(token, expected_type)[0]

    def verify_until(
        self, token: str, *, expected_type: TokenType = "access"
    ) -> tuple[Claims, float]:
        """As `verify`, and until when the answer holds: the token's or its key's end."""
        claims, key = self._verify(token, expected_type)
        return claims, min(claims["exp"], key.not_after)

    def _verify(self, token: str, expected_type: TokenType) -> tuple[Claims, Key]:
        now = self.clock()
        keyring = self.keyring
        header, payload, key = verified(token, keyring, keyring.algorithms, now)
        try:
            claims = parse_object(payload)
        except ValueError as error:
            raise TokenError("not_claims") from error
        validate_claims(header, claims, expected=self._expected[expected_type], now=now)
        return claims, key

    async def verify_token(self, token: str, expected_type: TokenType = "access") -> Claims:
        """The claims of a token that holds: signature, claims, type, and not revoked.

        A token that is bound to a key is refused: it is for those only who prove that key. Raises
        TokenError, or ServiceUnavailableError where revocations cannot be known.
        """
        claims = self.verify(token, expected_type=expected_type)
        if "cnf" in claims:
            raise TokenError("bound")
        if await self.is_revoked(claims):
            raise TokenError("revoked")
        return claims

    async def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Whether the token of these verified claims was revoked: itself, its session or all of
        its subject's. False without a list of revocations.
        """
        if self.revocations is None:
            return False
        await self.revocations.refresh()
        return self.revocations.is_revoked(
            subject=claims["sub"],
            session_id=claims.get("sid"),
            token_id=claims["jti"],
            issued_at=claims["iat"],
        )

    async def revoke_token(self, jti: str, *, expires_at: float | None = None) -> None:
        """Refuse the token with this `jti` from now on, in every process (ASVS 7.4.1).

        `expires_at`, its `exp` in Unix seconds, says until when that must be remembered; without
        it, as long as any token may live. Raises ConfigurationError without a revocation list.
        """
        now = self.clock()
        until = now + self.settings.refresh_lifetime + self.settings.leeway
        if expires_at is not None:
            until = min(until, expires_at)
        await self._list().revoke(Revocation(kind="token", key=jti, at=now, until=until))

    async def is_token_revoked(self, jti: str) -> bool:
        """Whether the token with this `jti` was revoked; ConfigurationError without a list."""
        revocations = self._list()
        await revocations.refresh()
        return revocations.is_revoked(subject="", session_id=None, token_id=jti, issued_at=math.inf)

    def create_token(self, user_id: str, permissions: Iterable[str] | None = None) -> str:
        """An access token with permissions: `issue_access` under the name of the guide."""
        return self.issue_access(user_id, permissions=permissions or ())

    def _lifetime(self, kind: TokenType) -> float:
        settings = self.settings
        return settings.access_lifetime if kind == "access" else settings.refresh_lifetime

    def _list(self) -> RevocationList:
        if self.revocations is None:
            raise ConfigurationError(
                "this TokenManager cannot revoke tokens",
                fix="pass a list of revocations: TokenManager(..., revocations=...)",
            )
        return self.revocations


def _keyring_from(secret: Secret | str | None, settings: TokenSettings) -> KeyRing:
    held = secret if isinstance(secret, Secret) else Secret(secret or "")
    if settings.algorithm == "EdDSA":
        return KeyRing.ed25519_from_secret(held)
    if settings.algorithm != "HS256":
        raise ConfigurationError(
            f"a key for {settings.algorithm} cannot be derived from a secret",
            fix="use HS256 or EdDSA, or hand over a ring: TokenManager(keyring=...)",
        )
    return KeyRing.from_secret(held)
