"""SQLAlchemy's engine for code that waits.

`sqlalchemy.ext.asyncio` is the same and more, and brings the ORM along: as much to load as all else
that the stores need of SQLAlchemy. Only applications that have models load it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar, TypeVarTuple

from sqlalchemy import CursorResult, create_engine, event
from sqlalchemy.engine import Connection, Engine, Transaction
from sqlalchemy.exc import DisconnectionError, InvalidRequestError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql.expression import Executable
from sqlalchemy.util import greenlet_spawn

from zenith.kernel.completion import to_its_end

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def make_engine(
    url: str, connect: Callable[[], Coroutine[Any, Any, Any]], **options: Any
) -> Engine:
    """An engine on a driver whose connections are made by waiting for `connect`."""

    def creator() -> Any:
        dialect: Any = engine.dialect
        return dialect.dbapi.connect(async_creator_fn=connect)

    engine = create_engine(url, creator=creator, **options)
    event.listen(engine, "connect", _note_process)
    event.listen(engine, "checkout", _refuse_of_another_process)
    return engine


def _note_process(_: object, record: ConnectionPoolEntry) -> None:
    record.info["process"] = os.getpid()


def _refuse_of_another_process(_: object, record: Any, proxy: Any) -> None:
    """A process that was forked has its parent's connections, and must neither use nor close them:
    two would speak on one socket, and wait for a thread that only the parent has.
    """
    if record.info["process"] != os.getpid():
        record.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError("a connection of another process")


class StoreConnection:
    """A connection of the pool, for as long as an `async with` block lasts."""

    __slots__ = ("_engine", "sync_connection")

    def __init__(self, engine: Engine) -> None:
        self._engine: Final = engine
        self.sync_connection: Connection | None = None

    async def __aenter__(self) -> Self:
        self.sync_connection = await greenlet_spawn(self._engine.connect)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give it back, which undoes what was not committed; a caller who is cancelled waits for
        it too: else another would be given a connection that somebody still works on.
        """
        await to_its_end(greenlet_spawn(self._open.close))

    @property
    def _open(self) -> Connection:
        if self.sync_connection is None:
            raise InvalidRequestError("the connection is not open")
        return self.sync_connection

    async def execute(
        self,
        statement: Executable,
        parameters: Parameters = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one statement; all of its rows are there."""
        return await greenlet_spawn(
            self._open.execute, statement, parameters, execution_options=execution_options
        )

    async def run_sync(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        """Do `work`, which does not wait for anything but this connection."""
        return await greenlet_spawn(work, self._open, *arguments)

    def in_transaction(self) -> bool:
        """Whether a transaction has begun."""
        return self._open.in_transaction()

    def begin(self) -> _Transaction:
        """All of an `async with` block, or nothing of it."""
        return _Transaction(self._open.begin)

    def begin_nested(self) -> _Transaction:
        """The same as a part of the transaction, which goes on where it fails."""
        return _Transaction(self._open.begin_nested)

    async def commit(self) -> None:
        """Keep what was done."""
        await greenlet_spawn(self._open.commit)

    async def get_raw_connection(self) -> PoolProxiedConnection:
        """What the driver gave."""
        return await greenlet_spawn(getattr, self._open, "connection")


class _Transaction:
    """Committed when its block ends well, and rolled back when it does not."""

    __slots__ = ("_begin", "_begun")

    def __init__(self, begin: Callable[[], Transaction]) -> None:
        self._begin: Final = begin
        self._begun: Transaction

    async def __aenter__(self) -> None:
        self._begun = await greenlet_spawn(self._begin)
        self._begun.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await greenlet_spawn(self._begun.__exit__, kind, error, trace)


class StoreEngine:
    """A pool of connections."""

    __slots__ = ("sync_engine",)

    def __init__(self, engine: Engine) -> None:
        self.sync_engine: Final = engine

    def connect(self) -> StoreConnection:
        """One of its connections."""
        return StoreConnection(self.sync_engine)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[StoreConnection]:
        """One of its connections, in a transaction."""
        async with self.connect() as connection, connection.begin():
            yield connection

    def execution_options(self, **options: Any) -> StoreEngine:
        """The same pool, whose connections have `options`."""
        return StoreEngine(self.sync_engine.execution_options(**options))

    async def dispose(self) -> None:
        """Close all connections; a later statement opens new ones. To its end: of a pool that was
        emptied by half, the other half is lost.
        """
        await to_its_end(greenlet_spawn(self.sync_engine.dispose))
