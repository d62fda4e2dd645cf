"""Where the application's own models live: connections of their own, and their tables."""

from __future__ import annotations

import json
from functools import partial
from typing import Final, Self

from sqlalchemy import MetaData, event, func, inspect, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

from zenith.kernel.completion import to_its_end
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.query import Sessions
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import postgres_engine, sqlite_engine
from zenith.stores.sql.database import Dialect
from zenith.stores.sql.errors import errors_wrapped

SHOWN: Final = 5
"""Missing tables and columns that an error names."""
TABLES_LOCK: Final = 0x7A656E_06
READS: Final = ("SELECT", "PRAGMA", "EXPLAIN")
_to_json: Final = partial(json.dumps, separators=(",", ":"), allow_nan=False)


class ModelDatabase(Sessions):
    """Sessions on one SQLite file or one PostgreSQL server; opens nothing before the first
    statement.

    Its connections are not those of `Database`: a request that holds one and waits for Zenith's own
    stores must not wait for itself. On SQLite, which has one writer for each file, it is therefore
    never the file of Zenith's stores (`beside`). Reading takes no lock; the lock is taken with the
    first statement that writes, and each statement sees what is committed, as on PostgreSQL.

    With `create_tables`, those of `metadata` that are missing are created before the first query;
    one that exists is never changed.
    """

    def __init__(
        self,
        settings: DatabaseSettings | str,
        *,
        create_tables: bool = False,
        metadata: MetaData = SQLModel.metadata,
    ) -> None:
        if isinstance(settings, str):
            settings = DatabaseSettings(url=Secret(settings))
        self.settings: Final = settings
        self.dialect: Final[Dialect] = (
            "sqlite" if settings.url.reveal().startswith("sqlite") else "postgresql"
        )
        if self.dialect == "sqlite":
            engine: Engine = sqlite_engine.make(settings, _to_json).execution_options(
                **sqlite_engine.SINGLE
            )
            event.listen(engine, "before_cursor_execute", _lock_to_write)
        else:
            engine = postgres_engine.make(settings, _to_json)
        super().__init__(AsyncEngine(engine), prepare=self._prepare if create_tables else None)
        self.metadata: Final = metadata

    def __repr__(self) -> str:
        return f"ModelDatabase({self.dialect})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def create_tables(self) -> None:
        """Create the tables that are missing. One that exists is left as it is, also where its
        model has changed: that is a migration's work.

        Processes that start together take turns: of two who find a table missing, the second to
        create it would be refused.
        """
        with errors_wrapped():
            async with self.engine.begin() as connection:
                if await connection.run_sync(_lacks_a_table, self.metadata):
                    await connection.run_sync(_wait_for_the_turn)
                await connection.run_sync(self.metadata.create_all)

    async def check_tables(self) -> None:
        """Raise ConfigurationError if tables or columns of the models are missing; looks at no
        database where there are no models.
        """
        if not self.metadata.tables:
            return
        with errors_wrapped():
            async with self.engine.connect() as connection:
                missing = await connection.run_sync(_missing, self.metadata)
        if missing:
            raise ConfigurationError(
                f"the database of the models lacks {', '.join(missing[:SHOWN])}",
                fix="bring it up to date with a migration",
            )

    async def _prepare(self) -> None:
        await self.create_tables()
        await self.check_tables()

    async def close(self) -> None:
        """Close the connections; a later statement opens new ones."""
        await to_its_end(self.engine.dispose())


def _lacks_a_table(connection: Connection, metadata: MetaData) -> bool:
    found = inspect(connection)
    return not all(
        found.has_table(each.name, schema=each.schema) for each in metadata.sorted_tables
    )


def _wait_for_the_turn(connection: Connection) -> None:
    """Until this transaction ends, nobody else creates tables; what they created is seen."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(TABLES_LOCK)))
    else:
        sqlite_engine.begin_to_write(connection)


def _missing(connection: Connection, metadata: MetaData) -> list[str]:
    found = inspect(connection)
    missing: list[str] = []
    for table in metadata.sorted_tables:
        if not found.has_table(table.name, schema=table.schema):
            missing.append(f"the table `{table.name}`")
            continue
        present = {column["name"] for column in found.get_columns(table.name, schema=table.schema)}
        missing += [
            f"the column `{table.name}.{name}`"
            for name in table.c.keys()  # noqa: SIM118  # its values are columns
            if name not in present
        ]
    return missing


def _lock_to_write(
    connection: Connection,
    cursor: DBAPICursor,
    statement: str,
    parameters: object,
    context: ExecutionContext | None,
    many: bool,
) -> None:
    """Begin with the first statement that writes: a transaction that has read before it asks for
    the lock is refused whenever somebody else wrote in between.
    """
    del cursor, parameters, context, many
    if statement.lstrip(" \t\r\n(").upper().startswith(READS):
        return
    sqlite_engine.begin_to_write(connection)
