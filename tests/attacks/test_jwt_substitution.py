"""A genuine token is used where it was not meant to be: other kind, service, issuer, or time.

A refresh or ID token taken for an access token, a token for the neighbour, yesterday's token, or
one that begins tomorrow (RFC 8725 sections 2.7, 2.8, 3.8 to 3.11; RFC 9068 section 4; ASVS 9.2).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.accounts.application import (
    OTHER_PASSWORD,
    bearer,
    browse,
    login,
    make_administrator,
    make_app,
    running,
)
from tests.tokens.fakes import SECRET, Time, exchange, revocation_list
from zenith.accounts import AccountSettings
from zenith.authorization import require_role
from zenith.passwords import PasswordSettings
from zenith.tokens import (
    BearerScheme,
    KeyRing,
    TokenError,
    TokenManager,
    TokenSettings,
    sign_compact,
)

TIME = Time()
MANAGER = TokenManager(SECRET, clock=TIME)
KEY = KeyRing.from_secret(SECRET).keys[0]
GOOD: dict[str, Any] = {
    "iss": "zenith",
    "aud": "zenith",
    "sub": "account",
    "iat": TIME.now,
    "exp": TIME.now + 900,
    "jti": "id",
    "type": "access",
}


async def present(token: str) -> object:
    scheme = BearerScheme(MANAGER, revocation_list(TIME))
    return await scheme.authenticate(exchange((b"authorization", b"Bearer " + token.encode())))


async def test_the_genuine_token_is_accepted() -> None:
    assert await present(sign_compact(GOOD, KEY, typ="at+jwt")) is not None


@pytest.mark.parametrize(
    ("changes", "typ"),
    [
        ({"type": "refresh"}, "rt+jwt"),
        ({"type": "refresh"}, "at+jwt"),
        ({}, "rt+jwt"),
        ({}, "JWT"),
        ({}, "logout+jwt"),
        ({}, "dpop+jwt"),
        ({"iss": "https://evil.example"}, "at+jwt"),
        ({"iss": ["zenith"]}, "at+jwt"),
        ({"aud": "neighbour"}, "at+jwt"),
        ({"aud": ["neighbour", "zenith2"]}, "at+jwt"),
        ({"aud": []}, "at+jwt"),
        ({"exp": TIME.now}, "at+jwt"),
        ({"exp": TIME.now - 1}, "at+jwt"),
        ({"exp": str(int(TIME.now + 900))}, "at+jwt"),
        ({"exp": True}, "at+jwt"),
        ({"exp": None}, "at+jwt"),
        ({"exp": 10**18}, "at+jwt"),
        ({"iat": TIME.now + 11}, "at+jwt"),
        ({"nbf": TIME.now + 11}, "at+jwt"),
        ({"nbf": "now"}, "at+jwt"),
        ({"sub": 1}, "at+jwt"),
        ({"sub": ""}, "at+jwt"),
        ({"jti": None}, "at+jwt"),
        ({"sid": 5}, "at+jwt"),
        ({"roles": "admin"}, "at+jwt"),
        ({"permissions": {"*": True}}, "at+jwt"),
        ({"scope": ["*"]}, "at+jwt"),
    ],
)
async def test_every_substitute_is_refused(changes: dict[str, Any], typ: str) -> None:
    with pytest.raises(TokenError):
        await present(sign_compact({**GOOD, **changes}, KEY, typ=typ))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat", "jti", "type"])
async def test_no_required_claim_may_be_left_out(name: str) -> None:
    claims = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(TokenError):
        await present(sign_compact(claims, KEY, typ="at+jwt"))


async def test_no_type_in_the_header_is_no_access_token() -> None:
    with pytest.raises(TokenError):
        await present(sign_compact(GOOD, KEY))


async def test_a_token_of_another_application_with_the_same_secret(tmp_path):
    """An administrator of the test system, where everybody may be one, at the real one."""
    names = ("https://test.example.org", "https://app.example.org")
    test, real = (
        make_app(
            tmp_path / str(number),
            origin=origin,
            env="production",
            passwords=PasswordSettings(),
            accounts=AccountSettings(),
        )
        for number, origin in enumerate(names)
    )

    @real.get("/admin")
    @require_role("super_admin")
    async def admin():
        return {}

    async with running(test), running(real), browse(test, origin=names[0]) as client:
        await make_administrator(test)
        tokens = (await login(client, "root@example.org", OTHER_PASSWORD)).json()
        assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 200
        async with browse(real, origin=names[1]) as other:
            answer = await other.get("/admin", headers=bearer(tokens))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_a_name_of_ones_own_is_kept(tmp_path):
    app = make_app(tmp_path, tokens=TokenSettings(issuer="shop"))
    assert app.assembly.settings.tokens.issuer == "shop"


async def test_in_development_the_port_is_no_name(tmp_path):
    """Two processes on one database, each at a port of its own, are one application."""
    app = make_app(tmp_path, origin="http://localhost:8001")
    assert app.assembly.settings.tokens.issuer == "zenith"
