"""Logout tokens: whose sessions a provider ends (OpenID Connect Back-Channel Logout 1.0).

The threats: a token that somebody made up, that is for another client, that was meant for another
purpose, above all an ID token, which people hand around more freely, or that is sent again to sign
its owner out once more (sections 2.6 and 4; ASVS 10.5.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from zenith.kernel.records import dataclass
from zenith.oauth.errors import LogoutTokenError, ProviderError
from zenith.oauth.id_token import LEEWAY, check_audience, expected_issuer, is_subject, time_of
from zenith.oauth.provider import Provider
from zenith.tokens import KeyRing, TokenError, verify_claims

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
MAX_AGE: Final = 600.0
"""Seconds that a token may be old, and may hold on: so long its `jti` is remembered."""
MAX_JTI: Final = 255
_KINDS: Final = frozenset({"", "jwt", "application/jwt", "logout+jwt", "application/logout+jwt"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LogoutOrder:
    """What a logout token says."""

    issuer: str
    subject: str
    """Empty: of the session alone."""
    provider_session: str
    """Empty: every session of the subject."""
    jti: str
    forget_at: float
    """Unix time from which the token would be refused for its age."""


def verify_logout_token(
    token: str, keys: KeyRing, provider: Provider, *, now: float
) -> LogoutOrder:
    """What the token orders. `now` is in Unix seconds.

    Raises LogoutTokenError for whatever does not hold, and TokenError `unknown_key` for a key that
    is not in the ring: the provider may have changed its keys.
    """
    try:
        header, claims = verify_claims(token, keys, algorithms=provider.algorithms, now=now)
    except TokenError as error:
        if error.fault == "unknown_key":
            raise
        raise LogoutTokenError(reason=error.reason) from None
    if str(header.get("typ", "")).lower() not in _KINDS:
        raise LogoutTokenError(reason="typ")
    try:
        issuer = _issuer(claims, provider)
        check_audience(claims, provider.client_id)
        forget_at = _end(claims, now)
    except ProviderError as error:
        raise LogoutTokenError(reason=error.reason) from None
    events = claims.get("events")
    event = cast("Mapping[str, object]", events).get(EVENT) if isinstance(events, dict) else None
    if not isinstance(event, dict):
        raise LogoutTokenError(reason="events")
    if "nonce" in claims:
        # So that no ID token is one (section 2.4).
        raise LogoutTokenError(reason="nonce")
    subject, session, jti = (_name(claims, name) for name in ("sub", "sid", "jti"))
    if not jti or not (subject or session):
        raise LogoutTokenError(reason="no jti, or neither sub nor sid")
    return LogoutOrder(
        issuer=issuer, subject=subject, provider_session=session, jti=jti, forget_at=forget_at
    )


def _issuer(claims: Mapping[str, Any], provider: Provider) -> str:
    issuer = expected_issuer(provider, claims)
    if claims.get("iss") != issuer:
        raise LogoutTokenError(reason="iss")
    return issuer


def _end(claims: Mapping[str, Any], now: float) -> float:
    expires, issued = time_of(claims, "exp"), time_of(claims, "iat")
    if not expires + LEEWAY > now or not now - MAX_AGE <= issued <= now + LEEWAY:
        raise LogoutTokenError(reason="exp or iat")
    return issued + MAX_AGE + LEEWAY


def _name(claims: Mapping[str, Any], name: str) -> str:
    if name not in claims:
        return ""
    if not is_subject(claims[name]):
        raise LogoutTokenError(reason=name)
    return str(claims[name])
