"""Whoever is cancelled, wherever he waits, leaves no transaction open, no connection behind and no
half of a change.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.stores.cancelling import When, cancelled_everywhere
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.keys import Secret
from zenith.kernel.one_step import after_step, one_step
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import Database
from zenith.stores.sql.engine import StoreEngine

WHEN: tuple[When, ...] = ("early", "late")
Work = Callable[[], Coroutine[Any, Any, None]]


class Table:
    """A table of numbers; each run writes its own three of them, or fewer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.run = 0
        self.told: list[int] = []

    def insert(self, n: int) -> Any:
        return text("INSERT INTO numbers VALUES (:n)").bindparams(n=self.run * 10 + n)

    async def kept(self) -> list[int]:
        first = self.run * 10
        rows = await self.database.plain("SELECT n FROM numbers WHERE n >= ? ORDER BY n", first)
        return [n - first for (n,) in rows]

    async def transaction(self) -> None:
        self.run += 1
        async with self.database.transaction() as connection:
            await connection.execute(self.insert(0))
            await self._part(connection)
            await connection.execute(self.insert(2))

    async def _part(self, connection: Any) -> None:
        try:
            async with connection.begin_nested():
                await connection.execute(self.insert(1))
                raise KeyError
        except KeyError:
            pass

    async def step(self) -> None:
        self.run += 1
        async with one_step():
            await self.database.count(self.insert(0))
            async with one_step():
                await self.database.rows(text("SELECT 1"))
                async with self.database.transaction() as connection:
                    await connection.execute(self.insert(1))
            await self.database.write("INSERT INTO numbers VALUES (?)", self.run * 10 + 2)
            await after_step(self.tell)

    async def tell(self) -> None:
        await asyncio.sleep(0)
        self.told.append(self.run)

    async def step_that_goes_on(self) -> None:
        """One who does not mind being cancelled in the middle."""
        self.run += 1
        async with one_step():
            await self.database.count(self.insert(0))
            try:
                await self.database.count(self.insert(1))
            except asyncio.CancelledError:
                task = asyncio.current_task()
                assert task is not None
                task.uncancel()
            await self.database.count(self.insert(2))

    async def cold(self) -> None:
        """The same with nothing open."""
        await self.database.close()
        await self.transaction()

    async def writable(self) -> None:
        """Whoever comes next reads and writes at once."""
        assert self.pool.checkedout() == 0
        async with asyncio.timeout(5):
            await self.database.write("INSERT INTO numbers VALUES (?)", -self.run)
            async with self.database.transaction() as connection:
                await connection.execute(text("DELETE FROM numbers WHERE n < 0"))

    @property
    def pool(self) -> Any:
        return self.database._engine.sync_engine.pool


@pytest.fixture
async def table(upgraded_url: str) -> AsyncGenerator[Table]:
    settings = DatabaseSettings(
        url=Secret(upgraded_url), pool_size=2, pool_overflow=0, pool_timeout=2.0
    )
    async with Database(settings) as database:
        await database.count(text("CREATE TABLE numbers (n integer PRIMARY KEY)"))
        yield Table(database)


@pytest.mark.parametrize("when", WHEN)
async def test_a_transaction_is_there_as_a_whole_or_not_at_all(table: Table, when: When) -> None:
    async def after(_: int, ended: BaseException | None) -> None:
        assert isinstance(ended, asyncio.CancelledError)
        assert await table.kept() in ([], [0, 2])
        await table.writable()

    assert await cancelled_everywhere(table.transaction, after, when) > 5


@pytest.mark.parametrize("when", WHEN)
async def test_a_step_is_kept_and_told_of_or_neither(table: Table, when: When) -> None:
    """A commit that nobody waited for to its end kept the change, and dropped what followed it: the
    copy of its record to other receivers.
    """
    kept_and_cancelled = 0

    async def after(_: int, ended: BaseException | None) -> None:
        nonlocal kept_and_cancelled
        assert isinstance(ended, asyncio.CancelledError)
        kept = await table.kept()
        assert kept in ([], [0, 1, 2])
        assert (table.run in table.told) is bool(kept)
        kept_and_cancelled += bool(kept)
        await table.writable()

    assert await cancelled_everywhere(table.step, after, when) > 6
    assert kept_and_cancelled


async def test_a_step_that_goes_on_after_a_cancellation_keeps_no_half(table: Table) -> None:
    """The connection was given up with what the step had written: going on is refused."""
    endings: set[type[BaseException]] = set()

    async def after(_: int, ended: BaseException | None) -> None:
        assert ended is not None
        endings.add(type(ended))
        assert await table.kept() in ([], [0, 1, 2])
        await table.writable()

    await cancelled_everywhere(table.step_that_goes_on, after, "early")
    assert endings == {asyncio.CancelledError, ServiceUnavailableError}


@pytest.mark.parametrize("when", WHEN)
async def test_closing_and_opening_lose_no_connection(table: Table, when: When) -> None:
    """Of a pool that was closed by half, the other half was never given out again; and each
    connection whose opening was cancelled left a thread and an open file.
    """

    async def after(_: int, ended: BaseException | None) -> None:
        assert isinstance(ended, asyncio.CancelledError)
        assert await table.kept() in ([], [0, 2])
        await table.writable()

    others = set(threading.enumerate())
    await cancelled_everywhere(table.cold, after, when)
    await table.database.close()
    workers = [
        thread
        for thread in threading.enumerate()
        if "_connection_worker" in thread.name and thread not in others
    ]
    for thread in workers:
        await asyncio.to_thread(thread.join, 5)
    assert not any(thread.is_alive() for thread in workers)


async def test_it_ends_as_with_the_engine_of_sqlalchemy(table: Table) -> None:
    """The same work, cancelled at the same places, leaves the same behind."""

    async def outcomes(engine: Any) -> list[list[int]]:
        async def work() -> None:
            table.run += 1
            async with engine.begin() as connection:
                await connection.execute(table.insert(0))
                await table._part(connection)
                await connection.execute(table.insert(2))

        found: list[list[int]] = []

        async def after(_: int, ended: BaseException | None) -> None:
            assert isinstance(ended, asyncio.CancelledError)
            assert table.pool.checkedout() == 0
            found.append(await table.kept())

        await cancelled_everywhere(work, after, "late")
        return found

    sync_engine = table.database._engine.sync_engine
    assert await outcomes(StoreEngine(sync_engine)) == await outcomes(AsyncEngine(sync_engine))


async def test_a_time_limit_around_a_transaction_is_a_time_limit(table: Table) -> None:
    table.run += 1

    async def slow() -> None:
        async with table.database.transaction() as connection:
            await connection.execute(table.insert(0))
            await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow(), 0.05)
    assert await table.kept() == []
    await table.writable()


async def test_two_tasks_on_one_connection_do_not_mix_their_answers(table: Table) -> None:
    """Not meant to be done: either both are answered, each with its own, or one is refused."""
    async with table.database.transaction() as connection:

        async def ask(n: int) -> Awaitable[Any] | Any:
            return (await connection.execute(text(f"SELECT {n}"))).scalar_one()

        answers = await asyncio.gather(*(ask(n) for n in range(5)), return_exceptions=True)
    for n, answer in enumerate(answers):
        assert answer == n or isinstance(answer, Exception)
    await table.writable()


def test_a_forked_process_leaves_its_parents_connections_alone(upgraded_sqlite_url: str) -> None:
    """It waited for ever for a thread that only its parent had."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.stores.forking", upgraded_sqlite_url]
    assert subprocess.run(command, check=False, timeout=30).returncode == 0
