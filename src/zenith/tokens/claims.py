"""What a token's claims must say before anybody is believed (RFC 7519 section 4.1, RFC 9068).

The threats: a token of another issuer, for another service, of another kind (a refresh or ID token
used for access), out of its time, or with a value of another type that compares in an unforeseen
way (RFC 8725 sections 2.7, 2.8, 3.8 to 3.11; ASVS 9.2.1 to 9.2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.records import dataclass
from zenith.tokens.errors import TokenError
from zenith.tokens.settings import MAX_LEEWAY

MAX_TEXT: Final = 255
MAX_TIME: Final = 253_402_300_800.0
"""The year 10000: beyond it, dates cannot be shown."""
_GRANTS: Final = frozenset({"roles", "permissions", "scope", "factors", "cnf", "role_ends"})
_TYPED: Final = _GRANTS | {"sub", "jti", "sid", "client_id", "tenant"}
"""Grants, and texts."""
# Compared with `type(...)`, for True is an int to isinstance.
_NUMBERS: Final[frozenset[object]] = frozenset({int, float})
_STRING: Final[frozenset[object]] = frozenset({str})


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedClaims:
    """What a verifier insists on. All of it is always checked."""

    issuer: str
    audience: str
    """Must be the token's `aud`, or one of them."""
    typ: str = "at+jwt"
    """The header's media type, without `application/` (RFC 9068 section 2.1)."""
    type: str = "access"
    """The `type` claim: one kind of token is never taken for another."""
    leeway: float = 10.0
    """Seconds by which another machine's clock may be ahead: tolerated in `iat` and `nbf`. The end
    is the end: `exp` is exact."""

    def __post_init__(self) -> None:
        if not 0 <= self.leeway <= MAX_LEEWAY:
            raise ConfigurationError(
                f"leeway is {self.leeway:g} seconds", fix=f"set it between 0 and {MAX_LEEWAY:g}"
            )


def validate_claims(
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    *,
    expected: ExpectedClaims,
    now: float,
) -> None:
    """Raise TokenError unless header and claims are those of a present token for us.

    Required are `iss`, `aud`, `sub`, `exp`, `iat`, `jti` and `type`; `nbf`, `sid`, `client_id`,
    `tenant`, `scope`, `roles`, `role_ends`, `permissions`, `factors` and `cnf` are optional, but
    if there must have their type. `now` is Unix seconds.
    """
    typ = header.get("typ")
    if typ != expected.typ and _media_type(typ) != expected.typ:
        raise TokenError("wrong_type", claim="typ")
    if claims.get("type") != expected.type:
        raise TokenError("wrong_type", claim="type")
    if claims.get("iss") != expected.issuer:
        raise TokenError("wrong_issuer", claim="iss")
    audience = claims.get("aud")
    if audience != expected.audience:
        check_audience(audience, expected.audience)
    check_times(claims, now, expected.leeway)
    _check_kinds(claims)


def _check_kinds(claims: Mapping[str, Any]) -> None:
    # One look at each claim costs less than a question for each that may be there.
    for name, value in claims.items():
        if name not in _TYPED:
            continue
        if name in _GRANTS:
            _check_grant(name, value)
        elif type(value) is not str or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
            raise TokenError("bad_claim", claim=name)
    if "sub" not in claims or "jti" not in claims:
        raise TokenError("missing_claim", claim="jti" if "sub" in claims else "sub")


def _media_type(typ: object) -> str:
    if not isinstance(typ, str):
        return ""
    return typ.lower().removeprefix("application/")


def check_audience(found: Any, expected: str) -> None:
    """Raise TokenError unless `found`, an `aud`, is or holds `expected`."""
    if found == expected:
        return
    kind: object = found.__class__
    if kind is list:
        if not _STRING.issuperset(map(type, found)):
            raise TokenError("bad_claim", claim="aud")
        if expected in found:
            return
    raise TokenError("wrong_audience", claim="aud")


def check_times(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    """Raise TokenError unless `exp` and `iat` are there and hold, and `nbf` if it is there."""
    expires: Any = claims.get("exp")
    issued: Any = claims.get("iat")
    if type(expires) not in _NUMBERS or not 0 <= expires < MAX_TIME:
        raise TokenError("bad_claim", claim="exp")
    if type(issued) not in _NUMBERS or not 0 <= issued < MAX_TIME:
        raise TokenError("bad_claim", claim="iat")
    # No leeway here: believed too long is worse than refreshed too early.
    if expires <= now:
        raise TokenError("expired", claim="exp")
    if issued - leeway > now:
        raise TokenError("issued_in_future", claim="iat")
    if "nbf" in claims:
        starts = claims["nbf"]
        if type(starts) not in _NUMBERS or not 0 <= starts < MAX_TIME:
            raise TokenError("bad_claim", claim="nbf")
        if starts - leeway > now:
            raise TokenError("not_yet_valid", claim="nbf")


def _check_grant(name: str, value: Any) -> None:
    kind: object = value.__class__
    if name == "scope":
        good = kind is str
    elif name == "cnf":
        # One way to be bound (RFC 9449 section 6.1); a token that is bound in another is not ours.
        good = kind is dict and list(value) == ["jkt"] and type(value["jkt"]) is str
    elif name in ("factors", "role_ends"):
        good = kind is dict and _NUMBERS.issuperset(map(type, value.values()))
    else:
        good = kind is list and _STRING.issuperset(map(type, value))
    if not good:
        raise TokenError("bad_claim", claim=name)
