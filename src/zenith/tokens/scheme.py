"""`Authorization: Bearer`: access tokens as credentials (RFC 6750, RFC 9068)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Final

from zenith.authentication import Grants, Revocation, RevocationList
from zenith.kernel.errors import BadRequestError, ConfigurationError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import ANONYMOUS, NO_FACTORS, Principal
from zenith.pipeline import Exchange
from zenith.tokens.cache import TokenCache, VerifiedToken
from zenith.tokens.dpop import DpopVerifier
from zenith.tokens.errors import TokenError
from zenith.tokens.foreign import ForeignIssuer, issuer_of
from zenith.tokens.jws import Claims
from zenith.tokens.manager import TokenManager

NAME: Final = "bearer"
HEADER: Final = b"authorization"
BEARER: Final = b"bearer"
DPOP: Final = b"dpop"
FOREIGN_PREFIXES: Final = (b"zk_",)
"""How credentials of other schemes begin that are sent as Bearer too: API keys."""


class BearerScheme:
    """Recognises an access token.

    Threat: a forged, expired, revoked or misdirected token, and two credentials in one request of
    which two programs believe different ones (ASVS 9.1.1, 9.2.1 to 9.2.3, 10.3.1). A token in the
    query string is refused, for addresses are logged and passed on (RFC 9700 section 4.3.2).
    """

    def __init__(
        self,
        manager: TokenManager,
        revocations: RevocationList,
        *,
        grants: Grants | None = None,
        dpop: DpopVerifier | None = None,
        issuers: Sequence[ForeignIssuer] = (),
    ) -> None:
        self._manager: Final = manager
        self._revocations: Final = revocations
        self._grants: Final = grants
        self._dpop: Final = dpop
        self._issuers: Final = {each.issuer: each for each in issuers}
        if manager.settings.issuer in self._issuers or len(self._issuers) != len(issuers):
            raise ConfigurationError(
                "two issuers of tokens have one name", fix="give each issuer its own `iss`"
            )
        self._keyring: Final = manager.keyring
        self._clock: Final = manager.clock
        self._cache: Final = TokenCache(manager.settings.cache_entries)
        """By the whole header field: a hit is one look-up, and nothing is cut off before it."""
        self._bound: Final = TokenCache(manager.settings.cache_entries)
        """Those that need a proof each time, apart, so that no look-up can forget it."""
        self._roles_seen = 0
        revocations.subscribe(self._on_news)

    @property
    def name(self) -> str:
        """`bearer`."""
        return NAME

    @property
    def challenge(self) -> str | None:
        """What a 401 offers (RFC 6750 section 3, RFC 9449 section 7.1)."""
        dpop = self._dpop
        return dpop.challenge if dpop is not None and dpop.required else "Bearer"

    def recall(self, exchange: Exchange) -> Principal | None:
        """The principal of a token that was verified before and still holds."""
        value = exchange.headers.get(HEADER)
        if value is None:
            in_query = b"access_token=" in exchange.scope["query_string"]
            return None if in_query else ANONYMOUS
        known = self._cache.young.get(value)
        if (
            known is not None
            and known.version == self._keyring.version
            and known.judged == self._revocations.version
            and known.expires_at > self._clock()
            and self._revocations.is_fresh
            # As many names as headers: none came twice.
            and len(exchange.headers) == len(exchange.scope["headers"])
        ):
            return known.principal
        return None

    async def authenticate(self, exchange: Exchange) -> Principal | None:
        """The token's principal, or None where the request carries no bearer token.

        Raises TokenError for a token that does not hold or stands in the query string,
        BadRequestError for several Authorization headers, ServiceUnavailableError where
        revocations cannot be known.
        """
        value = exchange.headers.get(HEADER)
        kind, token = _token_of(exchange, value)
        if value is None:
            return None
        if kind == BEARER:
            if self._dpop is not None and self._dpop.required:
                raise TokenError("unbound")
            return (await self._judge(self._cache, value, token, bound=False)).principal
        if kind == DPOP and self._dpop is not None:
            bound = await self._judge(self._bound, value, token, bound=True)
            await self._dpop.prove(exchange, credential=token, thumbprint=bound.thumbprint or "")
            return bound.principal
        return None

    async def reconsider(self, exchange: Exchange, *, used: bool = True) -> Principal | None:
        """The token's principal as it is now; a proof of possession that came along is spent."""
        del used  # A token ends when it says so.
        kind, token = _token_of(exchange, value := exchange.headers.get(HEADER))
        if value is None:
            return None
        bound = kind == DPOP
        cache = self._bound if bound else self._cache
        return (await self._judge(cache, value, token, bound=bound)).principal

    async def _judge(
        self, cache: TokenCache, value: bytes, token: str, *, bound: bool
    ) -> VerifiedToken:
        if not self._revocations.is_fresh:
            await self._revocations.refresh()
        version, judged = self._keyring.version, self._revocations.version
        roles_seen = self._roles_seen
        verified = cache.get(value, now=self._clock(), version=version)
        if verified is None:
            issuer = self._issuers.get(issuer_of(token)) if self._issuers else None
            if issuer is None:
                verified = self._verify(token, version)
            else:
                verified = await issuer.verify(token, version=version)
            if bound != (verified.thumbprint is not None):
                raise TokenError("unbound" if bound else "bound")
        principal = verified.principal
        if self._revocations.is_revoked(
            subject=principal.subject,
            session_id=principal.session_id,
            token_id=verified.token_id,
            issued_at=verified.issued_at,
        ):
            raise TokenError("revoked")
        verified.judged = judged
        if roles_seen == self._roles_seen:
            cache.put(value, verified)
        return verified

    def _on_news(self, news: Revocation) -> None:
        if news.kind == "roles":
            # What the tokens stand for was compiled from roles that are not the same any more.
            self._roles_seen += 1
            self._cache.clear()
            self._bound.clear()

    def _verify(self, token: str, version: int) -> VerifiedToken:
        claims, until = self._manager.verify_until(token)
        bound, now = claims.get("cnf"), self._clock()
        if "role_ends" in claims:
            # At the end of a role the token is looked at anew, and stands for less.
            until = min(until, _next_end(claims["role_ends"], now))
        return VerifiedToken(
            principal=principal_of(claims, grants=self._grants, now=now),
            expires_at=until,
            issued_at=claims["iat"],
            token_id=claims["jti"],
            version=version,
            thumbprint=None if bound is None else bound["jkt"],
        )


def principal_of(
    claims: Claims, *, grants: Grants | None = None, now: float | None = None
) -> Principal:
    """The principal that verified access-token claims stand for.

    `grants` compiles roles and permissions; without it roles grant nothing by themselves. Roles
    that were assigned for a time count if they have not ended by `now`, Unix seconds; without it,
    they do not count. A token with scopes stands for no role, and for those permissions alone that
    its scopes name too, as an API key does (RFC 6749 section 3.3, ASVS 8.2.1). Raises TokenError if
    a permission in the token cannot be read.
    """
    roles = frozenset(claims.get("roles", ()))
    if "role_ends" in claims and now is not None:
        roles |= {role for role, end in claims["role_ends"].items() if now < end}
    own = claims.get("permissions", ())
    try:
        if grants is None:
            permissions = Permissions(own)
        else:
            roles, permissions = grants(roles, own)
    except ConfigurationError as error:
        raise TokenError("bad_claim", claim="permissions") from error
    scope = claims.get("scope")
    scopes = None if scope is None else frozenset(scope.split())
    if scopes is not None:
        # A role cannot be held in part: whoever asks for one asks for all that it allows.
        roles, permissions = frozenset[str](), permissions.narrowed(scopes)
    factors = claims.get("factors")
    return Principal(
        subject=claims["sub"],
        roles=roles,
        permissions=permissions,
        scopes=scopes,
        session_id=claims.get("sid"),
        factors=MappingProxyType(factors) if factors else NO_FACTORS,
        tenant=claims.get("tenant"),
        scheme="dpop" if "cnf" in claims else NAME,
    )


def _next_end(ends: Mapping[str, float], now: float) -> float:
    return min((end for end in ends.values() if now < end), default=inf)


def _token_of(exchange: Exchange, value: bytes | None) -> tuple[bytes, str]:
    """In which way a token is presented, and the token; empty where there is none for us."""
    if value is None:
        if b"access_token=" in exchange.scope["query_string"]:
            raise TokenError("token_in_query")
        return b"", ""
    sent = exchange.scope["headers"]
    if len(exchange.headers) != len(sent) and sum(name == HEADER for name, _ in sent) > 1:
        raise BadRequestError("More than one Authorization header", reason="ambiguous_credential")
    kind, separator, rest = value.partition(b" ")
    kind = kind.lower()
    if not separator or kind not in (BEARER, DPOP):
        return b"", ""
    token = rest.strip(b" ")
    return (b"", "") if token.startswith(FOREIGN_PREFIXES) else (kind, token.decode("latin-1"))
