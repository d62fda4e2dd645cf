"""Access tokens that others issue, verified with the keys that they publish.

The threat: a token of one issuer taken for one of another or of ours (RFC 8725 sections 2.7, 2.8
and 3.8, ASVS 9.2.3, 10.3.1), an issuer whose new keys are never seen or whose withdrawn ones are
believed for ever, and a flood of invented key ids that becomes a flood of requests to the issuer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.errors import ConfigurationError, SecurityError, ServiceUnavailableError
from zenith.kernel.principal import Principal
from zenith.kernel.shared_reads import SharedReads
from zenith.outbound.settings import OutboundSettings
from zenith.tokens import base64url
from zenith.tokens.cache import VerifiedToken
from zenith.tokens.claims import check_audience, check_times
from zenith.tokens.errors import TokenError
from zenith.tokens.json_object import parse_object
from zenith.tokens.jws import MAX_TOKEN, Claims, verify_claims
from zenith.tokens.key_source import Fetch, fetch_with, is_safe_address
from zenith.tokens.keyring import KeyRing
from zenith.tokens.keys import ALGORITHMS, HMAC_HASHES

PrincipalOf: TypeAlias = Callable[[Claims], Principal]
"""Who is meant by the claims of another issuer's token; raises TokenError where nobody is."""

DISCOVERY: Final = "/.well-known/openid-configuration"
MAX_MEMORY: Final = 300.0
"""Seconds after which a verified token is verified anew: its key may have been withdrawn."""
MAX_SUBJECT: Final = 255


class ForeignIssuer:
    """Trusts the access tokens of one other issuer.

    `issuer` is their `iss`, `audience` must be in their `aud`; `to_principal` says who is meant.
    The keys come from `jwks_uri`, or from where the issuer's discovery document says (OpenID
    Connect Discovery section 4). `algorithms` are all that its tokens may be signed with; symmetric
    ones cannot be among them. `types` are the header's `typ` that are taken: `at+jwt` (RFC 9068);
    add `jwt`, or an empty text for none, only for an issuer whose ID tokens have another audience.

    Keys are believed for `max_age` seconds, and twice as long while the issuer cannot be asked; a
    key id that is not known asks anew, at most once in `min_interval` seconds. `timeout` is for a
    whole request. Raises ConfigurationError for what is unsafe.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        to_principal: PrincipalOf,
        jwks_uri: str | None = None,
        algorithms: Collection[str] = ("RS256", "ES256", "EdDSA"),
        types: Collection[str] = ("at+jwt",),
        max_age: float = 3600.0,
        min_interval: float = 30.0,
        timeout: float = 5.0,
        leeway: float = 10.0,
        fetch: Fetch | None = None,
        clock: Clock = wall_clock,
        steady: Clock = steady_clock,
    ) -> None:
        _check(issuer, audience, jwks_uri, algorithms)
        self.issuer: Final = issuer
        self._audience: Final = audience
        self._to_principal: Final = to_principal
        self._jwks_uri: Final = jwks_uri
        self._algorithms: Final = frozenset(algorithms)
        self._types: Final = frozenset(types)
        self._max_age: Final = max_age
        self._min_interval: Final = min_interval
        self._leeway: Final = leeway
        known = [issuer] if jwks_uri is None else [issuer, jwks_uri]
        self._bounds: Final = None if fetch else (timeout, known)
        self._fetch = fetch or fetch_with(timeout, known=known)
        self._clock: Final = clock
        self._steady: Final = steady
        self._ring: KeyRing | None = None
        self._loaded = self._tried = float("-inf")
        self._renewals: Final[SharedReads[None]] = SharedReads()
        self._fault = f"the keys of {issuer} are not known"

    def __repr__(self) -> str:
        return f"ForeignIssuer({self.issuer!r}, audience={self._audience!r})"

    def reach_by(self, outbound: OutboundSettings) -> None:
        """Fetch keys as `outbound` says: the application calls it that trusts this issuer. A
        `fetch` of one's own stays.
        """
        if self._bounds is not None:
            timeout, known = self._bounds
            self._fetch = fetch_with(timeout, known=known, outbound=outbound)

    async def verify(self, token: str, *, version: int) -> VerifiedToken:
        """What a token of this issuer stands for; `version` is kept in the answer.

        Raises TokenError, or ServiceUnavailableError where the issuer's keys are not known.
        """
        now = self._clock()
        header, claims = await self._signed(token, now)
        self._check(header, claims, now)
        principal = replace(self._to_principal(claims), scheme="bearer")
        identity = claims.get("jti") or hashlib.sha256(token.encode()).hexdigest()
        return VerifiedToken(
            principal=principal,
            expires_at=min(claims["exp"], now + MAX_MEMORY),
            issued_at=claims["iat"],
            # Never one of our own ids, whatever the issuer calls its tokens.
            token_id=f"{self.issuer} {identity}",
            version=version,
            thumbprint=_thumbprint(claims),
        )

    async def _signed(self, token: str, now: float) -> tuple[dict[str, Any], Claims]:
        ring = await self._keys(self._max_age)
        try:
            return verify_claims(token, ring, algorithms=self._algorithms, now=now)
        except TokenError as error:
            if error.fault != "unknown_key":
                raise
        newer = await self._keys(self._min_interval)
        if newer is ring:
            raise TokenError("unknown_key")
        return verify_claims(token, newer, algorithms=self._algorithms, now=now)

    def _check(self, header: Mapping[str, Any], claims: Claims, now: float) -> None:
        typ = header.get("typ", "").lower().removeprefix("application/")
        if typ not in self._types:
            raise TokenError("wrong_type", claim="typ")
        if claims.get("iss") != self.issuer:
            raise TokenError("wrong_issuer", claim="iss")
        check_audience(claims.get("aud"), self._audience)
        check_times(claims, now, self._leeway)
        for name in ("sub", "jti"):
            value = claims.get(name, "" if name == "sub" else "-")
            if type(value) is not str or not 0 < len(value) <= MAX_SUBJECT:
                raise TokenError("bad_claim", claim=name)

    async def _keys(self, max_age: float) -> KeyRing:
        """Keys that are not older than `max_age`, if the issuer was not asked just before."""
        now = self._steady()
        if self._ring is None or now - self._loaded >= max_age:
            await self._renewals.of(self.issuer, 0, self._renew)
        return self._believed(now)

    def _believed(self, now: float) -> KeyRing:
        if self._ring is None or now - self._loaded >= 2 * self._max_age:
            raise ServiceUnavailableError(reason=self._fault)
        return self._ring

    async def _renew(self) -> None:
        now = self._steady()
        if now - self._tried < self._min_interval:
            return
        self._tried = now
        try:
            self._ring, self._loaded = await self._load(), self._steady()
        except SecurityError as error:
            self._fault = error.reason

    async def _load(self) -> KeyRing:
        document = await self._document(self._jwks_uri or await self._discovered())
        try:
            return KeyRing.from_jwks(
                document, algorithms=self._algorithms, public_only=True, ignore_foreign=True
            )
        except ConfigurationError as error:
            reason = f"the keys of {self.issuer}: {error.problem}"
            raise ServiceUnavailableError(reason=reason) from None

    async def _discovered(self) -> str:
        """Where the keys are now: asked each time, for an issuer may move them."""
        document = await self._document(self.issuer.rstrip("/") + DISCOVERY)
        address = document.get("jwks_uri")
        if document.get("issuer") != self.issuer or not isinstance(address, str):
            raise ServiceUnavailableError(reason=f"the discovery of {self.issuer} is another's")
        return address

    async def _document(self, url: str) -> dict[str, Any]:
        if not is_safe_address(url):
            raise ServiceUnavailableError(reason=f"{self.issuer} names an address without https")
        try:
            return parse_object(await self._fetch(url))
        except ValueError:
            raise ServiceUnavailableError(reason=f"{self.issuer} answered no JSON") from None


def issuer_of(token: str) -> str:
    """What an unverified token says of its issuer: which keys to try, and nothing more."""
    if len(token) > MAX_TOKEN:
        return ""
    try:
        _, body, _ = token.encode("ascii").split(b".")
        issuer = parse_object(base64url.decode(body)).get("iss")
    except ValueError:
        return ""
    return issuer if isinstance(issuer, str) else ""


def _check(issuer: str, audience: str, jwks_uri: str | None, algorithms: Collection[str]) -> None:
    if not audience or not is_safe_address(jwks_uri or issuer):
        raise ConfigurationError(
            f"the issuer `{issuer}` has no audience, or no https address",
            fix="name the audience of its tokens, and an https address of its keys",
        )
    if not algorithms or set(algorithms) - (ALGORITHMS - HMAC_HASHES.keys()):
        raise ConfigurationError(
            f"the algorithms of `{issuer}` are unknown, symmetric or none",
            fix="name those that it signs with, such as RS256",
        )


def _thumbprint(claims: Claims) -> str | None:
    match claims.get("cnf"):
        case None:
            return None
        case {"jkt": str(thumbprint)}:
            return thumbprint
        case _:
            # Bound in a way that is not known here: whoever holds it may not be the one.
            raise TokenError("bad_claim", claim="cnf")
