"""The attack: copy a refresh token and use it beside its owner (RFC 9700 section 4.14.2). Whoever
comes second with a spent token ends the sign-in for both, and the alarm is raised; two tabs, or
twenty, that refresh at the same moment are no thieves."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import (
    bearer,
    browse,
    events_of,
    login,
    make_app,
    register,
    running,
)
from zenith.kernel.events import EventType
from zenith.tokens import TokenSettings


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    return request.getfixturevalue("upgraded_postgres_url") if request.param == "postgres" else None


async def refresh(client, tokens):
    return await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


async def status_of(client, tokens):
    return (await client.get("/auth/me", headers=bearer(tokens))).status_code


async def test_twenty_at_once_get_the_same_successor(tmp_path, database):
    async with running(make_app(tmp_path, database=database)) as app, browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        answers = await asyncio.gather(*(refresh(client, tokens) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
        assert await events_of(app, EventType.TOKEN_REUSED) == []
        latest = answers[0].json()
        assert (await refresh(client, latest)).status_code == 200


async def test_twenty_at_once_without_grace_leave_nobody_signed_in_as_two(tmp_path, database):
    strict = TokenSettings(refresh_grace=0)
    app = make_app(tmp_path, database=database, tokens=strict)
    async with running(app), browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        answers = await asyncio.gather(*(refresh(client, tokens) for _ in range(20)))
        assert {answer.status_code for answer in answers} <= {200, 401}
        successors = {a.json()["refresh_token"] for a in answers if a.status_code == 200}
        assert len(successors) <= 1
        # All but one were reuse: the family is over for everybody.
        for token in successors:
            assert (await refresh(client, {"refresh_token": token})).status_code == 401
        assert await status_of(client, tokens) == 401
        assert len(await events_of(app, EventType.TOKEN_REUSED)) == 1


async def test_a_thief_who_comes_later_ends_the_sign_in_for_both(tmp_path, database):
    strict = TokenSettings(refresh_grace=0)
    app = make_app(tmp_path, database=database, tokens=strict)
    async with running(app), browse(app) as owner, browse(app, address="203.0.113.66") as thief:
        await register(owner)
        stolen = (await login(owner)).json()
        other = (await login(owner)).json()
        present = (await refresh(owner, stolen)).json()
        await asyncio.sleep(0.01)
        answer = await refresh(thief, stolen)
        assert answer.status_code == 401
        assert answer.json()["code"] == "invalid_token"
        # At once, and for every token of that sign-in, spent or not.
        assert [await status_of(owner, each) for each in (stolen, present)] == [401, 401]
        assert (await refresh(owner, present)).status_code == 401
        # The owner's other sign-ins are not touched.
        assert await status_of(owner, other) == 200
        (event,) = await events_of(app, EventType.TOKEN_REUSED)
        assert (event.severity, event.address) == ("CRITICAL", "203.0.113.66")
        sessions = (await owner.get("/auth/sessions", headers=bearer(other))).json()
        assert event.session_id not in [item["id"] for item in sessions]


async def test_after_the_grace_the_predecessor_is_a_theft(tmp_path):
    app = make_app(tmp_path)
    async with running(app), browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        await refresh(client, tokens)
        assert (await refresh(client, tokens)).status_code == 200
        later = app.assembly.accounts.grants._refresh
        clock = later._clock
        later._clock = lambda: clock() + 11
        assert (await refresh(client, tokens)).status_code == 401
        assert await status_of(client, tokens) == 401


async def test_an_access_token_is_no_refresh_token_and_back(tmp_path):
    async with running(make_app(tmp_path)) as app, browse(app) as client:
        await register(client)
        tokens = (await login(client)).json()
        swapped = {
            "access_token": tokens["refresh_token"],
            "refresh_token": tokens["access_token"],
        }
        assert await status_of(client, swapped) == 401
        assert (await refresh(client, swapped)).status_code == 401
