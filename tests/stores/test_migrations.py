"""Migrations: they make what the schema says, once, quietly, and never go back by accident."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from zenith.kernel.errors import ConfigurationError
from zenith.stores.sql import Database, current, is_current, upgrade
from zenith.stores.sql.revision import NEWEST, VERSION_TABLE
from zenith.stores.sql.schema import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'x.db'}"


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "compare_server_default": True,
        },
    )
    return list(compare_metadata(context, metadata))


async def test_an_upgraded_database_is_what_the_schema_says(url: str) -> None:
    async with Database(url) as database:
        assert await current(database) is None
        assert not await is_current(database)
        applied = await upgrade(database)
        assert applied[0] == "0001"
        assert applied[-1] == NEWEST
        assert await current(database) == NEWEST
        assert await is_current(database)
        async with database.transaction() as connection:
            assert await connection.run_sync(differences) == []


async def test_a_difference_would_be_seen(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)
        async with database.transaction() as connection:
            await connection.execute(text("ALTER TABLE zenith_accounts ADD COLUMN extra TEXT"))
            await connection.execute(text("DROP INDEX ix_zenith_sessions_digest"))
        async with database.transaction() as connection:
            assert len(await connection.run_sync(differences)) == 2


async def test_a_second_upgrade_does_nothing(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)
        assert await upgrade(database) == []


async def test_upgrades_at_the_same_time_wait_for_each_other(url: str) -> None:
    databases = [Database(url) for _ in range(4)]
    try:
        results = await asyncio.gather(*(upgrade(database) for database in databases))
    finally:
        for database in databases:
            await database.close()
    assert sorted(map(len, results))[:-1] == [0, 0, 0]
    assert max(results, key=len)[-1] == NEWEST


async def test_a_newer_database_is_refused(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE zenith_schema_version SET version_num = '9999'"))
        assert not await is_current(database)
        with pytest.raises(ConfigurationError, match="newer version"):
            await upgrade(database)


async def test_the_log_stays_as_it_was(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logger = logging.getLogger("alembic.runtime.migration")
    before = (logging.root.handlers[:], logger.level, logger.filters[:], logger.disabled)
    async with Database(url) as database:
        await upgrade(database)
        await current(database)
    assert "alembic" not in {record.name.partition(".")[0] for record in caplog.records}
    assert before == (logging.root.handlers[:], logger.level, logger.filters[:], logger.disabled)
