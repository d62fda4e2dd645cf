"""Which changes of the schema a database has had.

Alembic, which applies them, takes as long to import as everything else that a start needs of the
database; and most starts find nothing to apply.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Select, String, column, inspect, select, table

from zenith.stores.sql.database import Database

NEWEST: Final = "0018"
"""The last of `migrations/versions`."""
VERSION_TABLE: Final = "zenith_schema_version"
_VERSIONS: Final[Select[str]] = select(column("version_num", String)).select_from(
    table(VERSION_TABLE)
)


async def current(database: Database) -> str | None:
    """The revision that the database is at; None if it holds nothing of Zenith's."""
    async with database.transaction() as connection:
        return await connection.run_sync(revision_of)


async def is_current(database: Database) -> bool:
    """Whether nothing is left to apply."""
    return await current(database) == NEWEST


async def upgrade(database: Database) -> list[str]:
    """Apply the changes that are missing, in one transaction; their revisions, oldest first.

    Any number of processes may do this at the same time: one works, the others wait and find
    nothing left to do. Raises ConfigurationError if a newer version of Zenith has been here, and
    ServiceUnavailableError if the database cannot be reached.
    """
    if await is_current(database):
        return []
    from zenith.stores.sql import migrate  # noqa: PLC0415  with Alembic, which few starts need

    return await migrate.apply(database)


def revision_of(connection: Connection) -> str | None:
    """`current`, within a transaction."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(_VERSIONS).scalar()
