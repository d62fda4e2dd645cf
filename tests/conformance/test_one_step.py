"""What stores write in one step is there as a whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.conformance.conftest import Place
from zenith.accounts import Account
from zenith.audit import AuditLog, AuditSettings
from zenith.kernel.errors import ConflictError, ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.kernel.one_step import one_step
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore
from zenith.stores.sql.audit_rows import COLUMNS, Row
from zenith.stores.sql.engine import StoreConnection

pytestmark = pytest.mark.parametrize("place_url", ["sqlite", "postgresql"], indirect=True)
"""What memory holds is not undone."""
ACCOUNT = Account(id="a", email="a@b.example", email_key="a@b.example", created_at=0.0)
OTHER = replace(ACCOUNT, id="b", email="b@b.example", email_key="b@b.example")
EVENT = Event(type=EventType.ACCOUNT_CREATED, outcome="success", at=1.0, target="a")


class World:
    """Stores over one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.accounts = SqlAccountStore(database)
        self.audit = SqlAuditStore(database)
        self.log = AuditLog(self.audit, AuditSettings())

    async def kept(self) -> tuple[list[str], list[str]]:
        """Ids of accounts and types of events."""
        found = await self.accounts.page(after=None, limit=10, search="")
        events = [str(stored.event.type) for stored in await self.audit.page()]
        return [account.id for account in found], events[::-1]


@pytest.fixture
def world(place: Place) -> World:
    assert place.database is not None
    return World(place.database)


async def test_change_and_record_come_together(world: World) -> None:
    async with one_step():
        assert await world.accounts.create(ACCOUNT)
        await world.log.record(EVENT)
        inside = asyncio.create_task(world.kept())
        assert await inside == ([], []), "seen before it was kept"
    assert await world.kept() == (["a"], ["ACCOUNT_CREATED"])


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_an_error_takes_both_away(world: World, error: type[BaseException]) -> None:
    async def change() -> None:
        async with one_step():
            await world.accounts.create(ACCOUNT)
            await world.log.record(EVENT)
            raise error

    with pytest.raises(error):
        await change()
    assert await world.kept() == ([], [])


async def test_a_record_that_cannot_be_written_takes_its_change_away(world: World) -> None:
    async def refuse(_: StoreConnection) -> None:
        raise ServiceUnavailableError(reason="the disk is full")

    async def change() -> None:
        async with one_step():
            await world.accounts.create(ACCOUNT)
            await world.log.record(EVENT)
            await world.database.at_end(refuse)

    with pytest.raises(ServiceUnavailableError):
        await change()
    assert await world.kept() == ([], [])
    # The connection and the lock are free again.
    assert await world.accounts.create(ACCOUNT)


async def test_a_record_that_the_database_refuses_takes_its_change_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: Callable[..., Awaitable[None]] = world.audit._write

    async def twice(rows: Sequence[Row], connection: StoreConnection) -> None:
        place = COLUMNS.index("type")
        await written([(*row[:place], None, *row[place + 1 :]) for row in rows], connection)

    monkeypatch.setattr(world.audit, "_write", twice)

    async def change() -> None:
        async with one_step():
            await world.accounts.create(ACCOUNT)
            await world.log.record(EVENT)

    with pytest.raises(ConflictError):
        await change()
    assert await world.kept() == ([], [])


async def test_a_change_that_is_refused_leaves_its_record_of_failure(world: World) -> None:
    await world.accounts.create(ACCOUNT)
    duplicate = replace(EVENT, type=EventType.ACCOUNT_DUPLICATE)
    async with one_step():
        assert not await world.accounts.create(replace(ACCOUNT, id="b"))
        await world.log.record(duplicate)
    assert await world.kept() == (["a"], ["ACCOUNT_DUPLICATE"])


async def test_what_fails_within_is_undone_by_itself(world: World) -> None:
    async with one_step():
        # First, where nothing was written yet, and again, where something was.
        for _ in range(2):
            await world.log.record(EVENT)
            await world.accounts.create(ACCOUNT)
            with pytest.raises(ConflictError):
                await world.accounts.create(replace(OTHER, id="a"))
    assert await world.kept() == (["a"], ["ACCOUNT_CREATED", "ACCOUNT_CREATED"])


async def test_a_first_statement_that_fails_leaves_the_rest(world: World) -> None:
    await world.accounts.create(ACCOUNT)
    async with one_step():
        with pytest.raises(ConflictError):
            await world.accounts.create(replace(OTHER, id="a"))
        assert await world.accounts.create(OTHER)
        await world.log.record(EVENT)
    assert await world.kept() == (["a", "b"], ["ACCOUNT_CREATED"])


async def test_later_statements_see_earlier_ones(world: World) -> None:
    async with one_step():
        assert await world.accounts.by_id("a") is None
        await world.accounts.create(ACCOUNT)
        assert await world.accounts.by_id("a") == ACCOUNT
        await world.accounts.note_sign_in("a", 5.0)
    found = await world.accounts.by_id("a")
    assert found is not None
    assert found.last_sign_in_at == 5.0


async def test_a_record_alone_needs_no_change(world: World) -> None:
    async with one_step():
        await world.log.record(EVENT)
        assert await world.kept() == ([], [])
    assert await world.kept() == ([], ["ACCOUNT_CREATED"])
    async with one_step():
        pass


async def test_a_hundred_steps_at_once_lose_nothing(world: World) -> None:
    async def step(number: int) -> None:
        async with one_step():
            name = f"{number:03}@b.example"
            await world.accounts.create(
                replace(ACCOUNT, id=f"{number:03}", email=name, email_key=name)
            )
            await world.log.record(replace(EVENT, target=f"{number:03}"))
            if number % 2:
                raise ValueError(number)

    await asyncio.gather(*(step(number) for number in range(100)), return_exceptions=True)
    accounts = await world.accounts.page(after=None, limit=200, search="")
    events = await world.audit.page(limit=200)
    expected = {f"{number:03}" for number in range(0, 100, 2)}
    assert {account.id for account in accounts} == expected
    assert {stored.event.target for stored in events} == expected
    assert len(events) == len(expected)


async def test_a_change_that_may_wait_comes_with_its_record(world: World) -> None:
    await world.accounts.create(ACCOUNT)
    async with one_step():
        await world.accounts.note_sign_in("a", 5.0)
        await world.log.record(EVENT)
        outside = asyncio.create_task(world.accounts.by_id("a"))
        assert (await outside) == ACCOUNT, "seen before it was kept"
    found = await world.accounts.by_id("a")
    assert found is not None
    assert found.last_sign_in_at == 5.0
    assert await world.kept() == (["a"], ["ACCOUNT_CREATED"])


async def test_what_follows_sees_a_change_that_may_wait(world: World) -> None:
    await world.accounts.create(ACCOUNT)
    async with one_step():
        await world.accounts.note_sign_in("a", 5.0)
        found = await world.accounts.by_id("a")
        assert found is not None
        assert found.last_sign_in_at == 5.0
        await world.accounts.note_sign_in("a", 6.0)
        assert await world.accounts.create(OTHER)
        await world.accounts.note_sign_in("a", 7.0)
        await world.accounts.note_sign_in("b", 8.0)
    kept = [await world.accounts.by_id(each) for each in ("a", "b")]
    assert [each and each.last_sign_in_at for each in kept] == [7.0, 8.0]


async def test_a_change_that_may_wait_stands_alone_outside_of_steps(world: World) -> None:
    await world.accounts.create(ACCOUNT)
    await world.accounts.note_sign_in("a", 5.0)
    found = await world.accounts.by_id("a")
    assert found is not None
    assert found.last_sign_in_at == 5.0


async def test_an_error_takes_a_change_away_that_may_wait(world: World) -> None:
    await world.accounts.create(ACCOUNT)

    async def change() -> None:
        async with one_step():
            await world.accounts.note_sign_in("a", 5.0)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await change()
    assert await world.accounts.by_id("a") == ACCOUNT


REFUSED = "INSERT INTO zenith_account_roles (account_id, role) VALUES (?, ?)"


@pytest.mark.parametrize("reads", [False, True])
async def test_a_change_that_is_refused_late_leaves_nothing(world: World, reads: bool) -> None:
    await world.accounts.create(ACCOUNT)

    async def change() -> None:
        async with one_step():
            await world.accounts.note_sign_in("a", 5.0)
            await world.database.write(REFUSED, "nobody", "admin")
            await world.log.record(EVENT)
            if reads:
                with suppress(ConflictError, ServiceUnavailableError):
                    await world.accounts.by_id("a")

    with pytest.raises((ConflictError, ServiceUnavailableError)):
        await change()
    assert await world.accounts.by_id("a") == ACCOUNT
    assert await world.kept() == (["a"], [])
