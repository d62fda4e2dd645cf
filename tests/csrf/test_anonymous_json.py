"""JSON from the application's own page, sent by somebody who is not signed in, needs no token."""

from __future__ import annotations

import inspect

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.csrf import CsrfGuard, CsrfSettings
from zenith.kernel.errors import CsrfError
from zenith.kernel.keys import Secret, new_token
from zenith.kernel.principal import Principal

OWN = ("origin", "http://localhost")
COOKIE = ("cookie", "theme=dark")
JSON = ("content-type", "application/json; charset=utf-8")


async def check(*headers, principal=None, **settings):
    guard = CsrfGuard([Secret(new_token(48))], CsrfSettings(secure_cookies=False, **settings))
    exchange = make_exchange("POST", "/auth/login", headers=headers, host="localhost")
    if principal is not None:
        exchange.principal = principal
    waiting = guard.on_request(exchange)
    if inspect.isawaitable(waiting):
        await waiting


async def test_a_page_of_ours_signs_in_by_fetch():
    await check(OWN, COOKIE, JSON, ("sec-fetch-site", "same-origin"))


async def test_a_program_with_a_cookie_jar_signs_in():
    await check(COOKIE, JSON)


@pytest.mark.parametrize(
    "headers",
    [
        (("origin", "http://evil.example"), JSON),
        (("sec-fetch-site", "same-site"), JSON),
        (OWN, COOKIE, ("content-type", "application/x-www-form-urlencoded")),
        (OWN, COOKIE, ("content-type", "text/plain")),
        (OWN, COOKIE),
    ],
)
async def test_other_pages_and_forms_still_need_proof(headers):
    with pytest.raises(CsrfError):
        await check(*headers)


async def test_whoever_is_signed_in_by_cookie_still_needs_a_token():
    principal = Principal(subject="ada", session_id="s", scheme="session")
    with pytest.raises(CsrfError):
        await check(OWN, COOKIE, JSON, principal=principal)


async def test_always_asks_for_it():
    with pytest.raises(CsrfError):
        await check(JSON, always=True)
