"""The attacker holds a session that was left open, or a copy of its cookie or token, and wants what
a fresh proof of identity protects: by refreshing the token until it looks fresh, by using the old
cookie or token after the owner's own confirmation, by proving beside a cookie that is dead, by a
clock that runs ahead, or by having the owner confirm and be led to the attacker (ASVS 7.5.3, 7.2.4,
RFC 9470).
"""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest

from tests.accounts.application import (
    ORIGIN,
    PASSWORD,
    bearer,
    browse,
    events_of,
    login,
    make_app,
    register,
    running,
    sign_in_with_form,
)
from tests.console.conftest import open_house
from tests.console.visitor import PASSWORD as PHRASE
from zenith.authorization import HasFactor, require_factor
from zenith.authorization.access import Access
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import EventType

__all__ = ["open_house"]
COOKIE = "zenith-session"


class Skew:
    """The server's clock, which the test puts forward."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return wall_clock() + self.ahead


@pytest.fixture
async def app(tmp_path):
    app = make_app(tmp_path)
    app.skew = Skew()

    @app.get("/vault")
    @Access(HasFactor(("password",), 600.0, clock=app.skew))
    async def vault() -> str:
        return "gold"

    async with running(app):
        async with browse(app) as client:
            await register(client)
        yield app


async def opens(client, **options):
    answer = await client.get("/vault", **options)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def confirm(client, *, proof=PASSWORD, factor="password", **options):
    body = {"factor": factor, "proof": proof}
    return await client.post("/auth/confirm", json=body, **options)


async def confirm_with_form(client):
    token = (await client.get("/page")).json()["token"]
    return await confirm(
        client,
        headers={"X-CSRF-Token": token, "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
    )


async def test_a_refreshed_token_is_no_fresh_proof(app):
    async with browse(app) as client:
        tokens = (await login(client)).json()
        assert await opens(client, headers=bearer(tokens))
        app.skew.ahead = 601
        assert not await opens(client, headers=bearer(tokens))
        for _ in range(3):
            body = {"refresh_token": tokens["refresh_token"]}
            tokens = (await client.post("/auth/refresh", json=body)).json()
            assert not await opens(client, headers=bearer(tokens))


async def test_the_refusal_tells_programs_what_to_do(app):
    async with browse(app) as client:
        tokens = (await login(client)).json()
        app.skew.ahead = 601
        answer = await client.get("/vault", headers=bearer(tokens))
    assert answer.json()["code"] == "factor_required"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert 'max_age="600"' in challenge


async def test_the_token_from_before_is_worth_no_more_after_the_confirmation(app, monkeypatch):
    async with browse(app) as client:
        tokens = (await login(client)).json()
        app.skew.ahead = 601
        monkeypatch.setattr(app.accounts.step_up, "_clock", app.skew)
        answer = await confirm(client, headers=bearer(tokens))
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert await opens(client, headers=bearer(answer.json()))
        assert not await opens(client, headers=bearer(tokens))
        body = {"refresh_token": tokens["refresh_token"]}
        later = (await client.post("/auth/refresh", json=body)).json()
        assert await opens(client, headers=bearer(later))
        app.skew.ahead = 1300
        assert not await opens(client, headers=bearer(later))


async def test_the_cookie_from_before_is_dead_after_the_confirmation(app):
    async with browse(app) as owner:
        await sign_in_with_form(owner)
        stolen = owner.cookies[COOKIE]
        answer = await confirm_with_form(owner)
        assert answer.status_code == 200, answer.text
        assert owner.cookies[COOKIE] != stolen
        assert await opens(owner)
    async with browse(app, cookies={COOKIE: stolen}) as thief:
        assert not await opens(thief)
        assert (await thief.get("/auth/me")).status_code == 401


async def test_the_cookie_from_before_is_dead_in_another_process_too(app, tmp_path):
    async with running(make_app(tmp_path)) as other:
        async with browse(app) as owner:
            await sign_in_with_form(owner)
            stolen = owner.cookies[COOKIE]
            async with browse(other, cookies={COOKIE: stolen}) as thief:
                assert (await thief.get("/auth/me")).status_code == 200
            await confirm_with_form(owner)
        # A second later by the clock of the other process.
        other.assembly.revocations._refreshed = float("-inf")
        async with browse(other, cookies={COOKIE: stolen}) as thief:
            assert (await thief.get("/auth/me")).status_code == 401


async def test_of_many_confirmations_at_once_one_gives_a_cookie(app):
    async with browse(app) as owner:
        await sign_in_with_form(owner)
        token = (await owner.get("/page")).json()["token"]
        cookie = f"{COOKIE}={owner.cookies[COOKIE]}"
        headers = {"X-CSRF-Token": token, "Origin": ORIGIN, "Cookie": cookie}
    async with browse(app) as client:
        answers = await asyncio.gather(*(confirm(client, headers=headers) for _ in range(20)))
    given = [answer for answer in answers if "set-cookie" in answer.headers]
    assert len(given) == 1
    assert {answer.status_code for answer in answers} <= {200, 401, 403, 409}


async def test_a_proof_from_the_future_is_none(app):
    async with browse(app) as client:
        tokens = (await login(client)).json()
        app.skew.ahead = -70
        assert not await opens(client, headers=bearer(tokens))
        app.skew.ahead = -30
        assert await opens(client, headers=bearer(tokens))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"factor": "password", "proof": "wrong"}, 401),
        ({"factor": "oauth", "proof": PASSWORD}, 422),
        ({"factor": "", "proof": PASSWORD}, 422),
        ({"factor": "password", "proof": ""}, 401),
        ({"factor": "password", "proof": PASSWORD, "proven_at": 9e9}, 422),
        ({"factor": ["password"], "proof": PASSWORD}, 422),
        ({"proof": "x" * 9000}, 422),
        ({}, 422),
    ],
)
async def test_no_other_body_confirms(app, body, status):
    async with browse(app) as client:
        tokens = (await login(client)).json()
        answer = await client.post("/auth/confirm", json=body, headers=bearer(tokens))
        assert answer.status_code == status
        assert PASSWORD not in answer.text


async def test_strangers_confirm_nothing(app):
    async with browse(app) as client:
        assert (await confirm(client)).status_code == 401


async def test_a_wrong_proof_is_recorded(app):
    async with browse(app) as client:
        tokens = (await login(client)).json()
        assert (await confirm(client, proof="wrong", headers=bearer(tokens))).status_code == 401
    (event,) = await events_of(app, EventType.STEP_UP)
    assert (event.outcome, event.reason) == ("failure", "wrong password")


async def test_a_page_of_another_site_cannot_confirm(app):
    async with browse(app) as owner:
        await sign_in_with_form(owner)
        for headers in (
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
            {"Origin": ORIGIN},
        ):
            assert (await confirm(owner, headers=headers)).status_code == 403


ELSEWHERE = ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]


def test_the_confirmation_leads_to_no_other_site(open_house):
    guest = open_house().visitor()
    guest.join("owner@example.org")
    for target in ELSEWHERE:
        page = guest.get("/account/confirm", params={"next": target, "factor": "password"})
        assert "evil" not in unescape(page.text)
        assert "javascript" not in re.sub(r"<script.*?</script>", "", page.text)
        fields = {"factor": "password", "proof": PHRASE, "next": target}
        answer = guest.send("/account/confirm", fields, form="/account/confirm")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/")


def test_a_declaration_without_a_clock_uses_the_real_one():
    requirement = require_factor("password").requirement
    assert isinstance(requirement, HasFactor)
    assert requirement.clock is wall_clock
