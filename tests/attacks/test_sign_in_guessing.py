"""The attack: try many passwords for one account, or one password for many accounts; or fail on
purpose until the owner is kept out; or ask for so many verifications that nobody else is served
(ASVS 6.3.1)."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import (
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    browse,
    events_of,
    login,
    make_app,
    make_settings,
    register,
    running,
    sign_in_with_form,
)
from zenith.abuse import AbuseSettings
from zenith.accounts import AccountSettings
from zenith.kernel.events import EventType
from zenith.passwords import PasswordSettings


@pytest.fixture
async def app(tmp_path):
    few = AccountSettings(
        register_seconds=0, sign_in_limit="10/minute", register_limit="100/minute"
    )
    tiers = AbuseSettings(first_delay=60, place_share=4, proof_after=8, lock_after=10)
    async with running(make_app(tmp_path, accounts=few, abuse=tiers)) as app:
        async with browse(app) as client:
            await register(client)
        yield app


async def test_one_address_gets_ten_attempts_a_minute(app):
    async with browse(app, address="203.0.113.66") as client:
        statuses = [(await login(client, email=f"n{n}@example.org")).status_code for n in range(15)]
        assert statuses == [401] * 10 + [429] * 5
        answer = await login(client)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
    assert await events_of(app, EventType.LOGIN_BLOCKED)


async def test_a_neighbourhood_of_ipv6_is_one_address(app):
    statuses = []
    for number in range(12):
        async with browse(app, address=f"2001:db8:1:2::{number:x}") as client:
            statuses.append((await login(client, email=f"n{number}@example.org")).status_code)
    assert statuses == [401] * 10 + [429] * 2


async def guess(app, count):
    for number in range(count):
        async with browse(app, address=f"203.0.{number}.66") as client:
            yield (await login(client, password=OTHER_PASSWORD)).status_code


async def test_many_addresses_together_get_few_attempts_at_one_account(app):
    assert [status async for status in guess(app, 13)] == [401] * 8 + [429] * 5


async def test_the_owner_is_not_kept_out_of_a_device_that_knows_them(app):
    async with browse(app) as owner:
        assert (await sign_in_with_form(owner)).status_code == 200
        device = owner.cookies["zenith-device"]
        assert [status async for status in guess(app, 12)][-1] == 429
        # Where the owner has never been, the limit holds ...
        async with browse(app, address="198.51.100.9") as stranger:
            assert (await sign_in_with_form(stranger)).status_code == 429
        # ... and where they have, it does not; for pages and for the JSON route alike.
        assert (await sign_in_with_form(owner)).status_code == 200
        async with browse(app) as program:
            token = (await program.get("/page")).json()["token"]
            program.cookies.set("zenith-device", device)
            body = {"email": EMAIL, "password": PASSWORD}
            answer = await program.post("/auth/login", json=body, headers={"X-CSRF-Token": token})
            assert answer.status_code == 200


async def test_neighbours_behind_one_address_do_not_keep_the_owner_out(app):
    async with browse(app) as owner:
        await sign_in_with_form(owner)
        async with browse(app) as neighbour:
            for number in range(12):
                await login(neighbour, email=f"n{number}@example.org")
            assert (await login(neighbour)).status_code == 429
        assert (await sign_in_with_form(owner)).status_code == 200


async def test_a_known_device_is_no_way_to_guess(app):
    async with browse(app) as client:
        await sign_in_with_form(client)
        statuses = [
            (await sign_in_with_form(client, password=OTHER_PASSWORD)).status_code
            for _ in range(12)
        ]
    assert statuses == [401] * 10 + [429] * 2


async def test_a_success_forgives_nothing(app):
    """Otherwise who owns one account guesses at others for ever, signing in now and then."""
    async with browse(app, address="203.0.113.66") as client:
        await register(client, email="mallory@example.org")
        statuses = []
        for number in range(6):
            await login(client, email="mallory@example.org")
            answer = await login(client, email=f"victim{number}@example.org")
            statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429]


async def test_fifty_at_once_do_not_stop_the_loop(tmp_path):
    passwords = PasswordSettings(profile="owasp", workers=1, queue_size=20)
    settings = make_settings(tmp_path, passwords=passwords)
    app = make_app(tmp_path, settings=settings)
    async with running(app), browse(app) as client, browse(app) as visitor:
        await register(client)
        ticks = answered = 0
        done = asyncio.Event()

        async def tick():
            nonlocal ticks
            while not done.is_set():
                await asyncio.sleep(0.001)
                ticks += 1

        async def others():
            nonlocal answered
            while not done.is_set():
                assert (await visitor.get("/page")).status_code == 200
                answered += 1
                await asyncio.sleep(0.01)

        beside = [asyncio.create_task(tick()), asyncio.create_task(others())]
        answers = await asyncio.gather(*(login(client) for _ in range(50)))
        done.set()
        await asyncio.gather(*beside)
    assert ticks > 10
    assert answered > 5
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["code"] == "unavailable"
