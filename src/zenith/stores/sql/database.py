"""One database: connections, transactions, and one kind of error for whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, TypeVar

from sqlalchemy import Row, Select, func, select
from sqlalchemy.sql.expression import Executable
from sqlalchemy.sql.schema import Table

from zenith.kernel.keys import Secret
from zenith.kernel.one_step import current_step
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import postgres_engine, sqlite_engine
from zenith.stores.sql.engine import StoreConnection, StoreEngine
from zenith.stores.sql.errors import errors_wrapped
from zenith.stores.sql.joined import Joined, Last

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
Insert: TypeAlias = "postgresql.Insert | sqlite.Insert"
Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
Rows: TypeAlias = Sequence[Row[*tuple[Any, ...]]]
T = TypeVar("T")

to_json: Final = partial(json.dumps, separators=(",", ":"), allow_nan=False)


class Database:
    """A pool of connections to one SQLite file or one PostgreSQL server.

    Nothing is opened before the first statement, and a server that went away and came back is
    used again without a restart. Whatever a driver raises leaves as ServiceUnavailableError (503,
    with Retry-After): Zenith cannot know, so it refuses (ASVS 16.5.2). The URL and its password
    are in no repr, log or error.

    Each process makes its own, in one event loop, and closes it at the end.
    """

    def __init__(self, settings: DatabaseSettings | str) -> None:
        if isinstance(settings, str):
            settings = DatabaseSettings(url=Secret(settings))
        self.settings: Final = settings
        self.dialect: Final[Dialect] = (
            "sqlite" if settings.url.reveal().startswith("sqlite") else "postgresql"
        )
        # The other dialect is as large as the rest: nobody waits for its import.
        self._dialect: Final[Any] = import_module(f"sqlalchemy.dialects.{self.dialect}")
        driver = sqlite_engine if self.dialect == "sqlite" else postgres_engine
        self._engine: Final[StoreEngine] = StoreEngine(driver.make(settings, to_json))
        # One statement, one round trip: the server's own transaction around it is enough.
        self._single: Final = self._engine.execution_options(**driver.SINGLE)
        self._lenient: Final = self._engine.execution_options(**driver.LENIENT)
        # SQLite has one writer. Its lock is polled, so writers of one process queue here instead.
        self._writer: Final = asyncio.Lock() if self.dialect == "sqlite" else None

    def __repr__(self) -> str:
        return f"Database({self.dialect})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later statement opens new ones."""
        await self._engine.dispose()

    async def ping(self) -> None:
        """Return if the database answers; raises ServiceUnavailableError if not."""
        await self.rows(select(1))

    async def rows(
        self, statement: Executable, parameters: Parameters = None, *, is_lenient: bool = False
    ) -> Rows:
        """The rows of one statement, which is its own transaction. `is_lenient`: text that cannot
        be read comes with lone surrogates; otherwise it is a database that cannot be used.
        """
        async with self._guarded(statement, is_lenient=is_lenient) as connection:
            return (await connection.execute(statement, parameters)).all()

    async def first(
        self, statement: Executable, parameters: Parameters = None
    ) -> Row[*tuple[Any, ...]] | None:
        """The first row of one statement, which is its own transaction."""
        async with self._guarded(statement) as connection:
            return (await connection.execute(statement, parameters)).first()

    async def count(self, statement: Executable, parameters: Parameters = None) -> int:
        """How many rows one statement changed; it is its own transaction."""
        async with self._guarded(statement) as connection:
            return (await connection.execute(statement, parameters)).rowcount

    async def plain(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a SELECT as the driver gives them, outside of any step: for rows that are
        many, or that nobody vouches for. `?` stands for each of the values.
        """
        rows: list[tuple[Any, ...]] = await self.each(tuple, sql, *values)
        return rows

    async def each(self, made: Callable[[Any], T], sql: str, *values: Any) -> list[T]:
        """What `made` makes of each of the rows of `plain`, in a thread: it must not raise."""
        driver = sqlite_engine if self.dialect == "sqlite" else postgres_engine
        with errors_wrapped():
            async with self._single.connect() as connection:
                found: list[T] = await driver.each(connection, made, sql, values)
                return found

    async def write(self, sql: str, *values: Any) -> None:
        """One statement of which nobody asks what it did; `?` stands for each of the values.

        It is its own transaction, or the last of the step that the caller is in: then it goes with
        the commit, which on SQLite saves a way to the driver's thread, unless something is read or
        written after it. What it violates is raised there.
        """
        driver = sqlite_engine if self.dialect == "sqlite" else postgres_engine
        change = driver.Change(sql, values)
        joined = self._joined()
        if joined is not None:
            joined.defer(change)
            return
        async with self._writer or nullcontext():
            with errors_wrapped():
                async with self._single.connect() as connection:
                    await change.now(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[StoreConnection]:
        """Several statements in one step: all of them or none. Within a step of several stores
        (`zenith.kernel.one_step`), a part of it.

        On SQLite the transaction holds the write lock from its begin (BEGIN IMMEDIATE); on
        PostgreSQL what it reads before it writes must be locked: see `lock` and `FOR UPDATE`.
        """
        joined = self._joined()
        if joined is not None:
            with errors_wrapped():
                async with joined.transaction() as connection:
                    yield connection
            return
        async with self._writer or nullcontext():
            with errors_wrapped():
                async with self._engine.begin() as connection:
                    yield connection

    async def at_end(self, work: Last, *, is_single: bool = False) -> None:
        """Do `work` as the last thing of the step that the caller is in, in its transaction; where
        there is no step, now, in a transaction of its own. `is_single`: it is one statement.
        """
        joined = self._joined()
        if joined is not None:
            joined.at_end(work)
        elif is_single and self.dialect == "postgresql":
            with errors_wrapped():
                async with self._single.connect() as connection:
                    await work(connection)
        else:
            async with self.transaction() as connection:
                await work(connection)

    async def lock(self, connection: StoreConnection, name: int, *, shared: bool = False) -> None:
        """Wait for the lock `name` and hold it until the transaction ends, over all processes.

        Holders of a shared lock do not wait for each other. SQLite's one writer needs none of it.
        """
        if self.dialect == "postgresql":
            take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
            await connection.execute(select(take(name)))

    def insert(self, table: Table) -> Insert:
        """An INSERT that knows ON CONFLICT, in the dialect of this database."""
        made: Insert = self._dialect.insert(table)
        return made

    def _joined(self) -> Joined | None:
        step = current_step()
        if step is None:
            return None
        joined: Joined | None = step.part(self)
        if joined is None:
            joined = Joined(self._engine, self._writer)
            step.join(self, joined)
        return joined

    @asynccontextmanager
    async def _guarded(
        self, statement: Executable, *, is_lenient: bool = False
    ) -> AsyncGenerator[StoreConnection]:
        is_read, joined = isinstance(statement, Select), self._joined()
        if joined is not None and (joined.has_begun or not is_read):
            with errors_wrapped():
                async with joined.transaction() as connection:
                    yield connection
            return
        async with (None if is_read else self._writer) or nullcontext():
            with errors_wrapped():
                engine = self._lenient if is_lenient else self._single
                async with engine.connect() as connection:
                    yield connection
