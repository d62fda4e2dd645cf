"""The attack: plant a session id in the victim's browser, wait for the sign-in, and use it; or ride
on the sign-in form itself, so that the victim works in the attacker's account (ASVS 7.2.4)."""

from __future__ import annotations

import pytest

from tests.accounts.application import (
    EMAIL,
    ORIGIN,
    OTHER_PASSWORD,
    PASSWORD,
    browse,
    make_app,
    register,
    running,
    sign_in_with_form,
)

COOKIE = "zenith-session"


@pytest.fixture
async def app(tmp_path):
    async with running(make_app(tmp_path)) as app:
        async with browse(app) as client:
            await register(client)
            await register(client, email="mallory@example.org", password=OTHER_PASSWORD)
        yield app


async def who(app, cookie):
    async with browse(app, cookies={COOKIE: cookie}) as client:
        return (await client.get("/page")).json()["who"]


async def test_a_planted_id_is_not_taken_over(app):
    planted = "A" * 43
    async with browse(app) as victim:
        victim.cookies.set(COOKIE, planted, domain="localhost")
        await sign_in_with_form(victim)
        own = victim.cookies.get(COOKIE, domain="localhost.local") or victim.cookies[COOKIE]
    assert own != planted
    assert await who(app, planted) == ""


async def test_the_session_of_an_attacker_ends_when_the_victim_signs_in(app):
    async with browse(app) as mallory:
        await sign_in_with_form(mallory, "mallory@example.org", OTHER_PASSWORD)
        planted = mallory.cookies[COOKIE]
    async with browse(app, cookies={COOKIE: planted}) as victim:
        token = (await victim.get("/page")).json()["token"]
        answer = await victim.post(
            "/page/sign-in",
            data={"email": EMAIL, "password": PASSWORD, "csrf_token": token},
            headers={"Origin": ORIGIN},
        )
        assert answer.status_code == 200
        own = answer.headers["set-cookie"]
    assert planted not in own
    assert await who(app, planted) == ""


async def test_every_sign_in_has_an_id_of_its_own(app):
    seen = set()
    for _ in range(3):
        async with browse(app) as client:
            seen.add((await sign_in_with_form(client)).json()["session"])
            seen.add(client.cookies[COOKIE])
    assert len(seen) == 6


async def test_the_public_id_of_a_session_opens_nothing(app):
    async with browse(app) as client:
        session = (await sign_in_with_form(client)).json()["session"]
    assert await who(app, session) == ""
    assert await who(app, session + "A" * 11) == ""


async def test_no_page_of_another_site_signs_anybody_in(app):
    form = {"email": "mallory@example.org", "password": OTHER_PASSWORD}
    async with browse(app) as victim:
        for headers in (
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
            {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
        ):
            answer = await victim.post("/page/sign-in", data=form, headers=headers)
            assert answer.status_code == 403
            assert COOKIE not in answer.headers.get("set-cookie", "")
