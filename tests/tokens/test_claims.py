"""Each claim, each way in which it can be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.tokens import ExpectedClaims, TokenError, validate_claims

NOW = 1_000_000.0
EXPECTED = ExpectedClaims(issuer="us", audience="api", leeway=10.0)
HEADER = {"alg": "HS256", "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": "us",
    "aud": "api",
    "sub": "someone",
    "exp": 1_000_900,
    "iat": 999_999.5,
    "jti": "id",
    "type": "access",
}
MISSING = object()


def check(header: dict[str, Any] = HEADER, **changes: Any) -> None:
    claims = {**CLAIMS, **changes}
    kept = {name: value for name, value in claims.items() if value is not MISSING}
    validate_claims(header, kept, expected=EXPECTED, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["api"]},
        {"aud": ["other", "api"]},
        {"exp": 1_000_000.1},
        {"iat": 1_000_010},
        {"iat": 0},
        {"nbf": 1_000_010},
        {"nbf": 5},
        {"sid": "s", "client_id": "c", "tenant": "Müller & Söhne"},
        {"roles": [], "permissions": ["a:b"], "scope": ""},
        {"factors": {"password": 1, "totp": 2.5}},
        {"custom": {"anything": [1, None]}},
    ],
)
def test_good_claims_pass(changes: dict[str, Any]) -> None:
    check(**changes)


NUMBERS = [True, "1000", None, [], {}, -1, 253_402_300_800, 1e300, float("inf"), float("nan")]
TEXTS = [7, None, "", True, [], {}, "x" * 256, "a\nb", "a\0", "a\u202eb"]
LISTS = ["admin", None, {}, [1], [None], ["a", ["b"]], 1, True]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("iss", MISSING, "wrong_issuer:iss"),
        ("iss", "them", "wrong_issuer:iss"),
        ("iss", ["us"], "wrong_issuer:iss"),
        ("iss", "us ", "wrong_issuer:iss"),
        ("aud", MISSING, "wrong_audience:aud"),
        ("aud", None, "wrong_audience:aud"),
        ("aud", "other", "wrong_audience:aud"),
        ("aud", "apis", "wrong_audience:aud"),
        ("aud", [], "wrong_audience:aud"),
        ("aud", ["other"], "wrong_audience:aud"),
        ("aud", ["api", 1], "bad_claim:aud"),
        ("aud", {"api": 1}, "wrong_audience:aud"),
        ("aud", True, "wrong_audience:aud"),
        ("type", MISSING, "wrong_type:type"),
        ("type", "refresh", "wrong_type:type"),
        ("type", ["access"], "wrong_type:type"),
        ("exp", MISSING, "bad_claim:exp"),
        ("exp", 1_000_000, "expired:exp"),
        ("exp", 1, "expired:exp"),
        ("iat", MISSING, "bad_claim:iat"),
        ("iat", 1_000_011, "issued_in_future:iat"),
        ("nbf", 1_000_011, "not_yet_valid:nbf"),
        ("sub", MISSING, "missing_claim:sub"),
        ("jti", MISSING, "missing_claim:jti"),
        ("scope", ["a"], "bad_claim:scope"),
        ("scope", None, "bad_claim:scope"),
        ("factors", [], "bad_claim:factors"),
        ("factors", {"password": "1"}, "bad_claim:factors"),
        ("factors", {"password": True}, "bad_claim:factors"),
        *[
            (name, value, f"bad_claim:{name}")
            for name in ("exp", "iat", "nbf")
            for value in NUMBERS
        ],
        *[
            (name, value, f"bad_claim:{name}")
            for name in ("sub", "jti", "sid", "client_id", "tenant")
            for value in TEXTS
        ],
        *[(name, v, f"bad_claim:{name}") for name in ("roles", "permissions") for v in LISTS],
    ],
)
def test_bad_claims_are_refused(name: str, value: Any, reason: str) -> None:
    with pytest.raises(TokenError) as caught:
        check(**{name: value})
    assert caught.value.reason == reason


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_media_types_are_compared_without_case_and_prefix(typ: str) -> None:
    check({"typ": typ})


@pytest.mark.parametrize("typ", [MISSING, None, "", "JWT", "rt+jwt", "logout+jwt", 1, ["at+jwt"]])
def test_other_media_types_are_refused(typ: Any) -> None:
    with pytest.raises(TokenError) as caught:
        check({} if typ is MISSING else {"typ": typ})
    assert caught.value.reason == "wrong_type:typ"


@pytest.mark.parametrize("leeway", [-1.0, 60.1, float("nan"), float("inf")])
def test_leeway_is_bounded(leeway: float) -> None:
    with pytest.raises(ConfigurationError, match="leeway"):
        ExpectedClaims(issuer="us", audience="api", leeway=leeway)
