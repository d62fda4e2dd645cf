"""ID tokens: whom the provider says it has before it (OpenID Connect Core 1.0 section 3.1.3.7).

The threats: a token for another client, of another issuer, of another sign-in, forged, too old, or
signed in a way that the token itself chose (RFC 8725, RFC 9700 section 4.5, ASVS 10.5.1 to 10.5.4).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from zenith.accounts.authentication_methods import FIRST_DATE
from zenith.kernel.keys import b64encode, equal
from zenith.kernel.records import dataclass
from zenith.oauth.errors import ProviderError
from zenith.oauth.metadata import TENANT
from zenith.oauth.provider import Provider
from zenith.tokens import KeyRing, TokenError, verify_claims

LEEWAY: Final = 60.0
"""Seconds by which the provider's clock may differ from ours."""
MAX_SUBJECT: Final = 255
MAX_LABEL: Final = 100
MAX_EMAIL: Final = 254
MAX_TIME: Final = 253_402_300_800.0
_KINDS: Final = frozenset({"", "jwt", "application/jwt"})
_TENANT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_LONG_AGO: Final = 2.0**40
_NUMBERS: Final[frozenset[object]] = frozenset({int, float})


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvenIdentity:
    """Who somebody is, as a provider has proven it."""

    issuer: str
    subject: str
    email: str = ""
    """Whatever the provider wrote; not ours to believe unless `email_verified`."""
    email_verified: bool = False
    name: str = ""
    authenticated_at: float
    """Unix time at which the person proved it to the provider; `undated` where it did not say."""
    provider_session: str = ""
    """The provider's name for the session there (`sid`); empty where it gave none."""
    id_token: str = field(default="", repr=False)
    """What proved it, to show the provider at the sign-out; empty where nothing asks for that."""

    @property
    def is_dated(self) -> bool:
        """Whether the provider said when the person proved it."""
        return self.authenticated_at >= FIRST_DATE

    @property
    def label(self) -> str:
        """What the owner recognises it by."""
        return self.email or self.name


def verify_id_token(
    token: str,
    keys: KeyRing,
    provider: Provider,
    *,
    expected_nonce: str,
    access_token: str,
    begun_at: float,
    now: float,
) -> ProvenIdentity:
    """The identity that an ID token proves.

    `begun_at` is when the sign-in began and `now` the present, in Unix seconds. Raises
    ProviderError for whatever does not hold, and TokenError `unknown_key` for a key that is not in
    the ring: the provider may have changed its keys.
    """
    try:
        header, claims = verify_claims(token, keys, algorithms=provider.algorithms, now=now)
    except TokenError as error:
        if error.fault == "unknown_key":
            raise
        raise ProviderError(reason=f"id token: {error.reason}") from None
    if str(header.get("typ", "")).lower() not in _KINDS:
        raise _refused("typ")
    issuer = expected_issuer(provider, claims)
    if claims.get("iss") != issuer:
        raise _refused("iss")
    check_audience(claims, provider.client_id)
    _check_times(claims, begun_at=begun_at, now=now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not equal(nonce, expected_nonce):
        raise _refused("nonce")
    _check_access_token(claims, str(header["alg"]), access_token)
    return _identity(provider, issuer, claims, token, now)


def verify_userinfo(
    token: str, keys: KeyRing, provider: Provider, identity: ProvenIdentity, *, now: float
) -> Mapping[str, Any]:
    """The claims of a signed UserInfo answer (OpenID Connect Core 1.0 section 5.3.2).

    It must be from the issuer of the ID token and for this client. `now` is in Unix seconds. Raises
    ProviderError, and TokenError `unknown_key` as `verify_id_token` does.
    """
    try:
        _, claims = verify_claims(token, keys, algorithms=provider.algorithms, now=now)
    except TokenError as error:
        if error.fault == "unknown_key":
            raise
        raise ProviderError(reason=f"userinfo: {error.reason}") from None
    if claims.get("iss") != identity.issuer:
        raise ProviderError(reason="userinfo: iss does not hold")
    check_audience(claims, provider.client_id)
    return claims


def _identity(
    provider: Provider, issuer: str, claims: Mapping[str, Any], token: str, now: float
) -> ProvenIdentity:
    subject = claims.get("sub")
    if not is_subject(subject):
        raise _refused("sub")
    email = text_of(claims, "email", MAX_EMAIL)
    return ProvenIdentity(
        issuer=issuer,
        subject=str(subject),
        email=email,
        email_verified=bool(email) and trusts_email(provider, claims),
        name=text_of(claims, "name", MAX_LABEL),
        authenticated_at=_authenticated_at(claims, now),
        provider_session=text_of(claims, "sid", MAX_SUBJECT),
        id_token=token if provider.end_session else "",
    )


def expected_issuer(provider: Provider, claims: Mapping[str, Any]) -> str:
    """The issuer that the token must name. Of many tenants it is the one whose token this is."""
    if not provider.issuer_template:
        return provider.issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise _refused("tid")
    return provider.issuer_template.replace(TENANT, tenant)


def trusts_email(provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Whether the provider vouches that the mailbox is this person's (ASVS 10.5.2).

    Microsoft's `email` can be set by any directory's administrator; there only the claim that says
    so proves that the directory owns the domain.
    """
    if provider.email_trust == "always":
        return True
    name = "xms_edov" if provider.email_trust == "microsoft" else "email_verified"
    found = claims.get(name)
    # Apple, and others, write it as text.
    return found is True or found == "true"


def is_subject(found: object) -> bool:
    """Whether this can be a subject: some printable ASCII, 255 characters at most."""
    return (
        isinstance(found, str)
        and 0 < len(found) <= MAX_SUBJECT
        and found.isascii()
        and found.isprintable()
    )


def text_of(claims: Mapping[str, Any], name: str, most: int) -> str:
    """A claim for people, without what could not be shown; empty if it is no text."""
    found = claims.get(name)
    if not isinstance(found, str) or len(found) > most:
        return ""
    return "".join(character for character in found if character.isprintable()).strip()


def check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """Raise ProviderError for a token that is for another client."""
    audience: Any = claims.get("aud")
    kind: object = audience.__class__
    several = kind is list and len(audience) > 1
    if audience != client_id and not (kind is list and client_id in audience):
        raise _refused("aud")
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise _refused("azp")


def _check_times(claims: Mapping[str, Any], *, begun_at: float, now: float) -> None:
    expires, issued = time_of(claims, "exp"), time_of(claims, "iat")
    if expires + LEEWAY <= now:
        raise _refused("exp")
    # One that was issued before this sign-in began belongs to another.
    if not begun_at - LEEWAY <= issued <= now + LEEWAY:
        raise _refused("iat")
    if "nbf" in claims and time_of(claims, "nbf") > now + LEEWAY:
        raise _refused("nbf")


def time_of(claims: Mapping[str, Any], name: str) -> float:
    """A moment in Unix seconds; raises ProviderError for what is none."""
    found: Any = claims.get(name)
    if type(found) not in _NUMBERS or not 0 <= found < MAX_TIME:
        raise _refused(name)
    return float(found)


def undated(now: float) -> float:
    """The time of a proof whose provider does not say when the person gave it: before `FIRST_DATE`,
    so that nothing takes it for recent, and none other's, for sessions are known by it. It may have
    been asked for weeks before, in the browser that somebody has borrowed.
    """
    # A division by a power of two is exact: two moments stay two.
    return now / _LONG_AGO


def _authenticated_at(claims: Mapping[str, Any], now: float) -> float:
    return min(time_of(claims, "auth_time"), now) if "auth_time" in claims else undated(now)


def _check_access_token(claims: Mapping[str, Any], algorithm: str, access_token: str) -> None:
    """Threat: the access token of somebody else beside this ID token (section 3.1.3.8)."""
    if "at_hash" not in claims or (make := _HASHES.get(algorithm[-3:])) is None:
        return
    whole = make(access_token.encode()).digest()
    found = claims["at_hash"]
    if not isinstance(found, str) or not equal(found, b64encode(whole[: len(whole) // 2])):
        raise _refused("at_hash")


def _refused(claim: str) -> ProviderError:
    return ProviderError(reason=f"id token: {claim} does not hold")
