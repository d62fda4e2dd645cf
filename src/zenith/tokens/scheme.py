"""`Authorization: Bearer`: access tokens as credentials (RFC 6750, RFC 9068)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from zenith.authentication import Grants, RevocationList
from zenith.kernel.errors import BadRequestError, ConfigurationError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import NO_FACTORS, Principal
from zenith.pipeline import Exchange
from zenith.tokens.cache import TokenCache, VerifiedToken
from zenith.tokens.errors import TokenError
from zenith.tokens.jws import Claims
from zenith.tokens.manager import TokenManager

NAME: Final = "bearer"
HEADER: Final = b"authorization"
BEARER: Final = b"bearer "
FOREIGN_PREFIXES: Final = (b"zk_",)
"""How credentials of other schemes begin that are sent as Bearer too: API keys."""


class BearerScheme:
    """Recognises an access token.

    Threat: a forged, expired, revoked or misdirected token, and two credentials in one request of
    which two programs believe different ones (ASVS 9.1.1, 9.2.1 to 9.2.3, 10.3.1). A token in the
    query string is refused, for addresses are logged and passed on (RFC 9700 section 4.3.2).
    """

    def __init__(
        self, manager: TokenManager, revocations: RevocationList, *, grants: Grants | None = None
    ) -> None:
        self._manager: Final = manager
        self._revocations: Final = revocations
        self._grants: Final = grants
        self._cache: Final = TokenCache(manager.settings.cache_entries)

    @property
    def name(self) -> str:
        """`bearer`."""
        return NAME

    @property
    def challenge(self) -> str | None:
        """What a 401 offers (RFC 6750 section 3)."""
        return "Bearer"

    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """The token's principal, or None where the request carries no bearer token.

        Raises TokenError for a token that does not hold or stands in the query string,
        BadRequestError for several Authorization headers, ServiceUnavailableError where
        revocations cannot be known.
        """
        token = _token_of(exchange)
        if token is None:
            return None
        await self._revocations.refresh()
        now = self._manager.clock()
        version = self._manager.keyring.version
        verified = self._cache.get(token, now=now, version=version)
        if verified is None:
            verified = self._verify(token.decode("latin-1"), version)
            self._cache.put(token, verified)
        principal = verified.principal
        if self._revocations.is_revoked(
            subject=principal.subject,
            session_id=principal.session_id,
            token_id=verified.token_id,
            issued_at=verified.issued_at,
        ):
            raise TokenError("revoked")
        return principal

    def _verify(self, token: str, version: int) -> VerifiedToken:
        claims, until = self._manager.verify_until(token)
        return VerifiedToken(
            principal=principal_of(claims, grants=self._grants),
            expires_at=until,
            issued_at=claims["iat"],
            token_id=claims["jti"],
            version=version,
        )


def principal_of(claims: Claims, *, grants: Grants | None = None) -> Principal:
    """The principal that verified access-token claims stand for.

    `grants` compiles roles and permissions; without it roles grant nothing by themselves. Raises
    TokenError if a permission in the token cannot be read.
    """
    roles = frozenset[str](claims.get("roles", ()))
    own = claims.get("permissions", ())
    try:
        if grants is None:
            permissions = Permissions(own)
        else:
            roles, permissions = grants(roles, own)
    except ConfigurationError as error:
        raise TokenError("bad_claim", claim="permissions") from error
    scope = claims.get("scope")
    factors = claims.get("factors")
    return Principal(
        subject=claims["sub"],
        roles=roles,
        permissions=permissions,
        scopes=None if scope is None else frozenset(scope.split()),
        session_id=claims.get("sid"),
        factors=MappingProxyType(factors) if factors else NO_FACTORS,
        tenant=claims.get("tenant"),
        scheme=NAME,
    )


def _token_of(exchange: Exchange) -> bytes | None:
    value = exchange.headers.get(HEADER)
    if value is None:
        if b"access_token=" in exchange.scope["query_string"]:
            raise TokenError("token_in_query")
        return None
    sent = exchange.scope["headers"]
    # As many names as headers: none came twice.
    if len(exchange.headers) != len(sent) and sum(name == HEADER for name, _ in sent) > 1:
        raise BadRequestError("More than one Authorization header", reason="ambiguous_credential")
    if value[: len(BEARER)].lower() != BEARER:
        return None
    token = value[len(BEARER) :].strip(b" ")
    return None if token.startswith(FOREIGN_PREFIXES) else token
