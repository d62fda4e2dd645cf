"""SQLite as a database for several processes of one machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy import event
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from zenith.kernel.errors import ConfigurationError
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.engine import StoreConnection, make_engine
from zenith.stores.sql.sqlite_connection import Connection, Work, lenient

T = TypeVar("T")
SINGLE: Final = {"zenith_single": True}
"""Execution options of a statement that is its own transaction."""
LENIENT: Final = {**SINGLE, "zenith_lenient": True}
"""The same, for rows that nobody vouches for: see `Connection.is_lenient`."""
# FULL: what was answered is on the disk. A spent token or an ended session that came back after a
# power cut would be a hole.
PRAGMAS: Final = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA temp_store=MEMORY",
)
MINIMUM: Final = (3, 35, 0)
PAUSE: Final = 0.02
STATEMENTS: Final = 256
"""Compiled statements that each connection keeps."""


def make(settings: DatabaseSettings, serializer: Callable[[Any], str]) -> Engine:
    """An engine for the file that the URL names. Opens nothing yet."""
    path = path_of(settings)
    if sqlite3.sqlite_version_info < MINIMUM:
        raise ConfigurationError(
            f"SQLite {sqlite3.sqlite_version} is too old", fix="use SQLite 3.35 or newer"
        )

    async def connect() -> Connection:
        await asyncio.to_thread(_prepare, path, settings.statement_timeout)
        # Ready with the first answer of its thread: who is cancelled between this and a further one
        # would leave a thread and an open file behind.
        connection = Connection(partial(_open, path, settings.statement_timeout))
        _ = await connection
        return connection

    pool = make_engine(
        "sqlite+aiosqlite:///file",
        connect,
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        pool_timeout=settings.pool_timeout,
        hide_parameters=True,
        json_serializer=serializer,
    )
    event.listen(pool, "begin", _begin)
    return pool


def path_of(settings: DatabaseSettings) -> Path:
    """The file that a URL names: three slashes for a relative path, four for an absolute one."""
    parts = urlsplit(settings.url.reveal())
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or not path or path == ":memory:" or parse_qs(parts.query):
        raise ConfigurationError(
            "database.url names no SQLite file",
            fix="write sqlite:///relative/path or sqlite:////absolute/path and nothing after it; "
            "for tests without a file there is zenith.stores.memory",
        )
    return Path(path)


def _begin(connection: SyncConnection) -> None:
    driver, options = _driver_of(connection), connection.get_execution_options()
    driver.is_lenient = "zenith_lenient" in options
    if "zenith_single" not in options:
        driver.begin()


def begin_to_write(connection: SyncConnection) -> None:
    """Take the write lock with the next statement, unless it is held."""
    driver = _driver_of(connection)
    if not driver.in_transaction:
        driver.begin()


def do_last(connection: StoreConnection, work: Work) -> None:
    """Have the driver's thread do `work` together with COMMIT."""
    if connection.sync_connection is None:
        raise TypeError("the connection is not open")
    if not connection.in_transaction():
        connection.sync_connection.begin()
    _driver_of(connection.sync_connection).before_commit(work)


class Change:
    """A statement that may wait for the commit: see `Database.write`."""

    def __init__(self, sql: str, values: Sequence[Any]) -> None:
        self._sql: Final = sql
        self._values: Final = tuple(values)

    async def now(self, connection: StoreConnection) -> None:
        """Run it."""
        await connection.run_sync(self._run_now)

    def _run_now(self, connection: SyncConnection) -> None:
        connection.exec_driver_sql(self._sql, self._values)

    async def last(self, connection: StoreConnection) -> None:
        """Have the driver's thread run it together with COMMIT."""
        do_last(connection, self._run)

    def _run(self, driver: sqlite3.Connection) -> None:
        driver.execute(self._sql, self._values)


async def each(
    connection: StoreConnection, made: Callable[[Any], T], sql: str, values: Sequence[Any]
) -> list[T]:
    """What `made` makes of the rows of a SELECT, in the driver's thread; text that is not UTF-8,
    which only somebody else can have written, comes with lone surrogates instead of ending the
    statement.
    """
    found: list[T] = []

    def fetch(driver: sqlite3.Connection) -> None:
        try:
            # Row by row: what is made of them is all that stays.
            found[:] = map(made, driver.execute(sql, values))
        except sqlite3.OperationalError:
            driver.text_factory = lenient
            try:
                found[:] = map(made, driver.execute(sql, values))
            finally:
                driver.text_factory = str

    raw = await connection.get_raw_connection()
    try:
        await cast("Connection", raw.driver_connection).run(fetch)
    except sqlite3.Error as error:
        raise DBAPIError(None, None, error) from error
    return found


def _driver_of(connection: SyncConnection) -> Connection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, Connection):
        raise TypeError(f"not a connection of ours: {type(driver).__name__}")
    return driver


def _open(path: Path, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, cached_statements=STATEMENTS
    )
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: Path, timeout: float) -> None:
    """Make the file, readable by its owner only (ASVS 14.2.1), and turn on write-ahead logging.

    The files beside it (-wal, -shm) get its permissions from SQLite.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    deadline = time.monotonic() + timeout
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                # SQLite does not wait by itself where two processes switch at the same time.
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)
    finally:
        connection.close()
