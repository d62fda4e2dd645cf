"""Bring the schema of a database to what this version of Zenith expects."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, text

from zenith.kernel.errors import ConfigurationError
from zenith.stores.sql.database import Database
from zenith.stores.sql.revision import revision_of

UPGRADE_LOCK: Final = 0x7A656E_00
_LOGGERS: Final = ("alembic.runtime.migration", "alembic.runtime.plugins")


async def apply(database: Database) -> list[str]:
    """As `zenith.stores.sql.upgrade`, which asks first whether there is anything to do."""
    async with database.transaction() as connection:
        if database.dialect == "postgresql":
            # Rewriting a large table, or waiting for who does, may take its time.
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        await database.lock(connection, UPGRADE_LOCK)
        return await connection.run_sync(_upgrade)


def configuration(connection: Connection | None = None) -> Config:
    """How Alembic finds the changes in this package; reads no file and sets up no logging."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "zenith.stores.sql:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> list[str]:
    config = configuration(connection)
    scripts = ScriptDirectory.from_config(config)
    try:
        with _quiet():
            missing = list(scripts.iterate_revisions("head", revision_of(connection) or "base"))
            if missing:
                command.upgrade(config, "head")
    except (CommandError, RevisionError) as error:
        raise ConfigurationError(
            "the database was upgraded by a newer version of Zenith",
            fix="install that version, or restore a backup made before the upgrade",
        ) from error
    return [revision.revision for revision in reversed(missing)]


@contextmanager
def _quiet() -> Generator[None]:
    """Alembic tells its every step at INFO: keep that out of the application's log."""

    def is_warning(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(is_warning)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_warning)
