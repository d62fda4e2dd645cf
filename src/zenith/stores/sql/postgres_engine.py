"""PostgreSQL over asyncpg."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import event, exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from zenith.kernel.errors import ConfigurationError
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.engine import StoreConnection, make_engine

T = TypeVar("T")
MANY: Final = 500
"""Rows that are worth a thread."""
SINGLE: Final[Mapping[str, Any]] = {"isolation_level": "AUTOCOMMIT"}
LENIENT: Final = SINGLE
"""PostgreSQL holds no text that cannot be read."""
"""Execution options of a statement that is its own transaction."""
GRACE: Final = 2.0
"""Seconds that the driver waits beyond the server's own statement timeout: it ends what a dead
network would let hang."""


def make(settings: DatabaseSettings, serializer: Callable[[Any], str]) -> Engine:
    """An engine for the server that the URL names. Opens nothing yet."""
    try:
        # Optional: only who uses PostgreSQL has it. Its own annotations are not right.
        asyncpg: Any = import_module("asyncpg")
    except ImportError as error:
        raise ConfigurationError(
            "database.url asks for PostgreSQL, but its driver is not installed",
            fix="pip install 'zenith-security[postgres]'",
        ) from error
    engine = make_engine(
        "postgresql+asyncpg://",
        _connector(asyncpg, settings),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_overflow,
        pool_timeout=settings.pool_timeout,
        pool_use_lifo=True,
        hide_parameters=True,
        json_serializer=serializer,
    )
    _watch(
        engine,
        settings,
        (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError),
    )
    return engine


def _connector(asyncpg: Any, settings: DatabaseSettings) -> Callable[[], Coroutine[Any, Any, Any]]:
    address = dsn_of(settings)
    server_settings = {
        "application_name": settings.application_name,
        # Whoever waits for a lock (of the last administrator, of a row) sees what its holder did. A
        # server whose default is stricter would show the state before the wait.
        "default_transaction_isolation": "read committed",
        "statement_timeout": str(int(settings.statement_timeout * 1000)),
        "idle_in_transaction_session_timeout": str(int(settings.statement_timeout * 2000)),
    }

    async def connect() -> Any:
        return await asyncpg.connect(
            address,
            timeout=settings.connect_timeout,
            command_timeout=settings.statement_timeout + GRACE,
            server_settings=server_settings,
        )

    return connect


class Change:
    """A statement that may wait for the commit: see `Database.write`."""

    def __init__(self, sql: str, values: Sequence[Any]) -> None:
        self._sql: Final = _numbered(sql)
        self._values: Final = tuple(values)

    async def now(self, connection: StoreConnection) -> None:
        """Run it."""
        await connection.run_sync(self._run_now)

    last = now

    def _run_now(self, connection: Connection) -> None:
        connection.exec_driver_sql(self._sql, self._values)


async def each(
    connection: StoreConnection, made: Callable[[Any], T], sql: str, values: Sequence[Any]
) -> list[T]:
    """What `made` makes of the rows of a SELECT whose values stand at each `?`, in a thread if
    they are many.
    """
    driver: Any = (await connection.get_raw_connection()).driver_connection
    asyncpg: Any = import_module("asyncpg")
    try:
        rows: Sequence[Any] = await driver.fetch(_numbered(sql), *values)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise exc.DBAPIError(None, None, error) from error
    if len(rows) < MANY:
        return list(map(made, rows))
    return await asyncio.to_thread(lambda: list(map(made, rows)))


def _numbered(sql: str) -> str:
    """The statement with $1, $2 and so on where each `?` is."""
    pieces = sql.split("?")
    return pieces[0] + "".join(f"${n}{piece}" for n, piece in enumerate(pieces[1:], 1))


def dsn_of(settings: DatabaseSettings) -> str:
    """The URL as the driver reads it, with every parameter of libpq (TLS, several hosts)."""
    parts = urlsplit(settings.url.reveal())
    query = parts.query
    if query.startswith("ssl=") or "&ssl=" in query:
        query = f"&{query}".replace("&ssl=", "&sslmode=").removeprefix("&")
    return urlunsplit(("postgresql", parts.netloc, parts.path, query, parts.fragment))


def _watch(engine: Engine, settings: DatabaseSettings, errors: tuple[type[Exception], ...]) -> None:
    """Never hand out a connection that is dead.

    A connection that the server closed is known here without asking; only one that rested, and
    may have died silently, is tried first. A ping before each use would double the round trips.
    """

    async def ping(connection: Any) -> None:
        await connection.fetchval("SELECT 1", timeout=settings.connect_timeout)

    def on_checkin(_: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def on_checkout(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
        if connection.driver_connection.is_closed():
            raise exc.InvalidatePoolError
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < settings.rest:
            return
        try:
            connection.run_async(ping)
        except errors as error:
            raise exc.InvalidatePoolError from error

    event.listen(engine, "checkin", on_checkin)
    event.listen(engine, "checkout", on_checkout)
