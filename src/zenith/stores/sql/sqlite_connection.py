"""A connection to SQLite that asks its thread once for each statement."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Self, TypeAlias, cast

import aiosqlite

Work: TypeAlias = Callable[[sqlite3.Connection], Any]
BEGIN: Final = "BEGIN IMMEDIATE"
CHUNK: Final = 64


class Connection(aiosqlite.Connection):
    """The driver's connection, with fewer ways to its thread and back.

    Each of them costs more than most statements. The driver's own cursor takes one to be made, one
    for the statement, one for the rows and one to be closed, and a transaction takes two more for
    its begin and its end. Here a statement and its rows are one; BEGIN goes with the first
    statement, and what is due at the end goes with COMMIT; where nothing was begun, there is
    nothing to end.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        self._opened: Final[list[sqlite3.Connection]] = []
        super().__init__(partial(_opened_by, connector, self._opened), CHUNK)
        # Its thread must not keep the process alive; SQLAlchemy does the same to its own.
        self._thread.daemon = True
        self._due: Final[list[Work]] = []
        self._begins = self._is_open = self._is_stopped = False
        self._stopped: asyncio.Future[Any] | None = None
        self.is_lenient = False
        """Whether text that is not UTF-8, which only others can have written, comes with lone
        surrogates instead of ending the statement."""

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread, once. The pool ends that of a connection that was lost; who closes it at
        the same time would wait for ever for an answer of a thread that has gone. What it opened
        for somebody who was cancelled meanwhile is closed too.
        """
        if not self._is_stopped:
            self._is_stopped = True
            self._tx.put_nowait((None, partial(_close, self._opened)))
            self._stopped = super().stop()
        return self._stopped

    def begin(self) -> None:
        """Take the write lock with the next statement.

        At once: a transaction that reads first and asks for the lock later is refused whenever
        another process wrote in between.
        """
        self._begins = True

    def before_commit(self, work: Work) -> None:
        """Have the thread do `work` as the last thing of the transaction; if it fails, so does the
        commit.
        """
        self._due.append(work)

    def cursor(self) -> Cursor:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """A cursor, without asking the thread for it."""
        return Cursor(self)

    async def run(self, work: Work) -> None:
        """Have the thread do it, within the transaction that was asked for."""
        begins, self._begins = self._begins, False
        # Before it is so: whoever is cancelled while he waits must roll back.
        self._is_open = self._is_open or begins
        await self._ask(partial(self._work, (work,), begins=begins))

    async def commit(self) -> None:
        """End the transaction, if one was begun or something is due."""
        begins, self._begins = self._begins, False
        due = tuple(self._due)
        self._due.clear()
        if self._is_open or due or self.in_transaction:
            self._is_open = True
            await self._ask(partial(self._finish, due, begins=begins))
            self._is_open = False

    async def rollback(self) -> None:
        """Undo the transaction, if one was begun."""
        self._begins = False
        self._due.clear()
        if self._is_open or self.in_transaction:
            await super().rollback()
            self._is_open = False

    async def _ask(self, work: Callable[[], None]) -> None:
        ask = cast("Callable[[Callable[[], None]], Awaitable[None]]", self._execute)
        await ask(work)

    def _work(self, works: Sequence[Work], *, begins: bool) -> None:
        connection = self._conn
        if begins:
            connection.execute(BEGIN)
        for work in works:
            work(connection)

    def _finish(self, works: Sequence[Work], *, begins: bool) -> None:
        try:
            self._work(works, begins=begins)
            self._conn.commit()
        except BaseException:
            # Whoever asked for a commit that failed does not ask for a rollback.
            self._conn.rollback()
            raise


def _opened_by(
    connector: Callable[[], sqlite3.Connection], opened: list[sqlite3.Connection]
) -> sqlite3.Connection:
    opened.append(connector())
    return opened[0]


def _close(opened: Iterable[sqlite3.Connection]) -> None:
    for connection in opened:
        connection.close()


class Cursor:
    """What SQLAlchemy asks of a cursor. All rows are fetched with the statement."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        for row in await self.fetchall():
            yield row

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> None:
        """Run one statement."""
        await self._connection.run(partial(self._run, sqlite3.Cursor.execute, sql, parameters))

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> None:
        """Run one statement with each of the parameters."""
        await self._connection.run(partial(self._run, sqlite3.Cursor.executemany, sql, parameters))

    async def fetchone(self) -> Any:
        """The next row, or None."""
        return self._rows.pop(0) if self._rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        count = self.arraysize if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Forget the rows."""
        self._rows = []

    def _run(
        self, do: Callable[..., Any], sql: str, parameters: Any, connection: sqlite3.Connection
    ) -> None:
        connection.text_factory = lenient if self._connection.is_lenient else str
        cursor = connection.cursor()
        try:
            do(cursor, sql, parameters)
            self.description = cursor.description
            if self.description is not None:
                self._rows = cursor.fetchall()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


def lenient(text: bytes) -> str:
    """What SQLite holds as text, whatever that is."""
    return text.decode("utf-8", "surrogateescape")
