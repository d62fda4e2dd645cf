"""What a database holds of a step: one connection, one transaction, and what is due at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Protocol, TypeAlias

from zenith.stores.sql.engine import StoreConnection, StoreEngine
from zenith.stores.sql.errors import errors_wrapped

Last: TypeAlias = Callable[[StoreConnection], Awaitable[None]]


class Change(Protocol):
    """A statement that may wait for the commit."""

    async def now(self, connection: StoreConnection) -> None:
        """Run it."""
        ...

    async def last(self, connection: StoreConnection) -> None:
        """Run it with the commit, which follows."""
        ...


class Joined:
    """The participant of a step (see `zenith.kernel.one_step`) for one database.

    The transaction begins with the first statement that writes. One that fails later is undone by
    itself, as it would be outside of the step, so that a store may turn what a database refuses
    into an answer; one that fails first leaves nothing to keep.
    """

    def __init__(self, engine: StoreEngine, writer: asyncio.Lock | None) -> None:
        self._engine: Final = engine
        self._writer: Final = writer
        self._held = AsyncExitStack()
        self._connection: StoreConnection | None = None
        self._deferred: Final[list[Change]] = []
        self._last: Final[list[Last]] = []

    @property
    def has_begun(self) -> bool:
        """Whether something was written, which later statements must see."""
        return self._connection is not None or bool(self._deferred)

    def defer(self, change: Change) -> None:
        """Write it before whatever comes next: another statement, or the end."""
        self._deferred.append(change)

    def at_end(self, work: Last) -> None:
        """Do `work` right before the commit; if it fails, nothing is committed."""
        self._last.append(work)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[StoreConnection]:
        """The connection, for one verb of a store."""
        if self._connection is None and not self._deferred:
            await self._begin()
            try:
                yield self._open()
            except BaseException:
                await self._leave()
                raise
            return
        await self._catch_up()
        async with self._open().begin_nested():
            yield self._open()

    async def commit(self) -> None:
        """Do what is due and commit; ServiceUnavailableError or ConflictError, and nothing kept, if
        that is not possible.
        """
        try:
            with errors_wrapped():
                if self._connection is None and (self._last or self._deferred):
                    await self._begin()
                if self._connection is not None:
                    for work in (*(change.last for change in self._deferred), *self._last):
                        await work(self._connection)
                    await self._connection.commit()
        finally:
            await self._leave()

    async def rollback(self) -> None:
        """Undo what was written."""
        self._last.clear()
        self._deferred.clear()
        await self._leave()

    async def _catch_up(self) -> None:
        """Write what was deferred. What fails stays: the step cannot end well without it."""
        if self._connection is None:
            await self._begin()
        while self._deferred:
            await self._deferred[0].now(self._open())
            del self._deferred[0]

    def _open(self) -> StoreConnection:
        if self._connection is None:
            raise RuntimeError("the transaction has not begun")
        return self._connection

    async def _begin(self) -> None:
        try:
            if self._writer is not None:
                await self._held.enter_async_context(self._writer)
            # The first statement begins the transaction.
            connection = await self._held.enter_async_context(self._engine.connect())
        except BaseException:
            await self._leave()
            raise
        self._connection = connection

    async def _leave(self) -> None:
        """Give back the connection, which undoes what was not committed, and the lock."""
        self._connection = None
        held, self._held = self._held, AsyncExitStack()
        with errors_wrapped():
            await held.aclose()
