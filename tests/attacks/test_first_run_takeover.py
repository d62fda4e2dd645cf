"""The attack: reach a fresh installation before its operator, and become its administrator."""

from __future__ import annotations

import asyncio

import pytest

from tests.accounts.application import (
    ALICE,
    OTHER_PASSWORD,
    browse,
    events_of,
    login,
    make_app,
    register,
    running,
)
from zenith.accounts import SetupLinkError
from zenith.kernel.events import EventType


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    return request.getfixturevalue("upgraded_postgres_url") if request.param == "postgres" else None


@pytest.fixture
async def app(tmp_path, database):
    async with running(make_app(tmp_path, database=database)) as app:
        yield app


def create(app, secret, number=0):
    return app.accounts.registration.create_administrator(
        secret, f"root{number}@example.org", OTHER_PASSWORD, client=ALICE
    )


async def test_without_the_link_nobody_becomes_administrator(app):
    await app.accounts.registration.issue_setup_secret()
    for guess in ("", "x", "A" * 43, "\ud800", "\x00"):
        with pytest.raises(SetupLinkError):
            await create(app, guess)
    assert not await app.accounts.store.has_role("super_admin")


async def test_the_first_account_is_no_administrator(app):
    async with browse(app) as client:
        await register(client)
        assert (await login(client)).status_code == 200
    account = await app.accounts.store.by_email("ada@example.org")
    assert account.roles == ("user",)


async def test_of_all_who_hold_the_link_one_succeeds(app):
    secret = await app.accounts.registration.issue_setup_secret()
    results = await asyncio.gather(
        *(create(app, secret, number) for number in range(6)), return_exceptions=True
    )
    assert sum(isinstance(result, SetupLinkError) for result in results) == 5
    assert len(await events_of(app, EventType.ADMINISTRATOR_CREATED)) == 1
    with pytest.raises(SetupLinkError):
        await create(app, secret, 9)
    assert await app.accounts.registration.issue_setup_secret() is None


async def test_a_link_from_an_earlier_start_is_dead(app):
    old = await app.accounts.registration.issue_setup_secret()
    new = await app.accounts.registration.issue_setup_secret()
    with pytest.raises(SetupLinkError):
        await create(app, old)
    await create(app, new)


async def test_the_link_is_not_kept_where_it_could_be_read(app, tmp_path):
    secret = await app.accounts.registration.issue_setup_secret()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
