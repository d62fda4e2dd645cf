"""A log of a former version goes on: its rows are found, proven, and in their indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text

from tests.audit.sealed import SealedLog
from zenith.audit.search import AuditQuery
from zenith.stores.sql import Database, current, migrate, upgrade
from zenith.stores.sql.migrations.versions import r0018_audit_indexes

ROW = (
    "INSERT INTO zenith_audit_events (stream, event_id, type, outcome, severity, at, subject, "
    "target, session_id, scheme, address, user_agent, request_id, trace_id, reason, details, mac) "
    "SELECT stream, event_id, type, outcome, severity, at, subject, target, session_id, scheme, "
    "address, user_agent, request_id, trace_id, reason, details, mac FROM kept ORDER BY sequence"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'x.db'}"


def to_0017(connection: Connection) -> None:
    command.upgrade(migrate.configuration(connection), "0017")


async def filled(database: Database) -> None:
    """At revision 0017, with seven sealed events and seals as a newer version makes them."""
    await upgrade(database)
    log = SealedLog(database)
    await log.sealed(3, 4)
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE kept AS SELECT * FROM zenith_audit_events"))
        await connection.execute(text("CREATE TABLE seals AS SELECT * FROM zenith_audit_seals"))
        tables = await connection.execute(text(NAMES[database.dialect]))
        for (name,) in tables.all():
            await connection.execute(text(f"DROP TABLE {name} {CASCADE[database.dialect]}"))
    async with database.transaction() as connection:
        await connection.run_sync(to_0017)
        await connection.execute(text(ROW))
        await connection.execute(text("INSERT INTO zenith_audit_seals SELECT * FROM seals"))


NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'zenith%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE tablename LIKE 'zenith%'",
}
CASCADE = {"sqlite": "", "postgresql": "CASCADE"}


async def test_a_filled_log_is_found_and_proven_afterwards(url: str) -> None:
    async with Database(url) as database:
        await filled(database)
        assert await current(database) == "0017"
        assert await upgrade(database) == ["0018"]
        log = SealedLog(database)
        assert [each.sequence for each in await log.first.events.search(AuditQuery(subject="ada"))]
        await log.write(2)
        query = AuditQuery(subject="ada", target="lovelace")
        found = [each.sequence for each in await log.first.events.search(query)]
        assert found == [9, 8, 7, 6, 5, 4, 3, 2, 1]
        await log.first.sealer.seal()
        assert [each.sequence for each in await log.first.events.search(query)] == found
        report = await log.verify()
        assert (report.holds, report.events, report.awaiting) == (True, 9, 0)


@pytest.mark.parametrize("at", ["add_column", "create_index"])
async def test_one_that_was_interrupted_begins_anew(
    url: str, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    async with Database(url) as database:
        await filled(database)
        with monkeypatch.context() as patched:
            patched.setattr(r0018_audit_indexes.op, at, die)
            with pytest.raises(KeyboardInterrupt):
                await upgrade(database)
        assert await current(database) == "0017"
        assert await upgrade(database) == ["0018"]
        assert (await SealedLog(database).verify()).holds


async def test_the_indexes_leave_out_what_is_new(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        await upgrade(database)
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        made = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' "
            "AND tbl_name = 'zenith_audit_events' AND name LIKE 'ix%sequence'"
        ).fetchall()
    connection.close()
    assert len(made) == 10
    assert all(sql.endswith("unindexed IS NULL") for _, sql in made)
