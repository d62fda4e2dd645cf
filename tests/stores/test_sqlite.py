"""SQLite: its file, its one writer, and what is refused."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from tests.start import SCHEMA
from tests.stores.racer import account
from zenith.accounts.store import Account
from zenith.kernel.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ServiceUnavailableError,
)
from zenith.kernel.keys import Secret
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import Database, SqlAccountStore, SqlOneTimeStore, sqlite_engine
from zenith.stores.sql.schema import account_roles


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://host/file.db",
        "sqlite:///file.db?mode=memory",
        "sqlite:///file.db?immutable=1",
    ],
)
def test_urls_that_name_no_file_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="names no SQLite file"):
        Database(url)


def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_engine, "MINIMUM", (99, 0, 0))
    with pytest.raises(ConfigurationError, match="too old"):
        Database("sqlite:///x.db")


async def test_nothing_is_opened_before_the_first_statement(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'sub' / 'x.db'}") as database:
        assert repr(database) == "Database(sqlite)"
        assert not (tmp_path / "sub").exists()
        await database.ping()
        assert (tmp_path / "sub" / "x.db").exists()


async def test_the_files_belong_to_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    async with Database(f"sqlite:///{tmp_path}/with%20space/x.db") as database:
        await SCHEMA.upgrade(database)
        await SqlAccountStore(database).create(account("a", "a@example.org"))
        files = list(folder.iterdir())
        assert {file.name for file in files} == {"x.db", "x.db-wal", "x.db-shm"}
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_each_connection_is_set_up(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        for pragma, value in {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}.items():
            row = await database.first(text(f"PRAGMA {pragma}"))
            assert row is not None
            assert row[0] == value
        await SCHEMA.upgrade(database)
        orphan = insert(account_roles).values(account_id="nobody", role="admin", position=0)
        with pytest.raises(ConflictError):
            await database.count(orphan)


async def test_a_lock_that_does_not_end_is_unavailable(tmp_path: Path) -> None:
    settings = DatabaseSettings(url=Secret(f"sqlite:///{tmp_path / 'x.db'}"), statement_timeout=0.2)
    async with Database(settings) as database:
        await SCHEMA.upgrade(database)
        store = SqlAccountStore(database)
        other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceUnavailableError) as caught:
            await store.create(account("a", "a@example.org"))
        assert "BUSY" in caught.value.reason
        assert "Retry-After" in caught.value.headers
        with pytest.raises(ServiceUnavailableError):
            await store.note_sign_in("a", 1.0)
        assert await store.by_id("a") is None  # readers do not wait for a writer
        other.execute("ROLLBACK")
        other.close()
        assert await store.create(account("a", "a@example.org"))


@pytest.mark.parametrize("hold", ["BEGIN; SELECT * FROM held", "BEGIN EXCLUSIVE"])
async def test_the_journal_is_switched_as_soon_as_nobody_holds_the_file(
    tmp_path: Path, hold: str
) -> None:
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("CREATE TABLE held (x)")
    cursors = [other.execute(statement) for statement in hold.split("; ")]
    url = Secret(f"sqlite:///{tmp_path / 'x.db'}")
    async with Database(DatabaseSettings(url=url, statement_timeout=0.2)) as hasty:
        with pytest.raises(ServiceUnavailableError):
            await hasty.ping()
    async with Database(DatabaseSettings(url=url, statement_timeout=10.0)) as patient:
        waiting = asyncio.create_task(patient.ping())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        for cursor in cursors:
            cursor.close()
        other.execute("ROLLBACK")
        other.close()
        await waiting


async def test_a_file_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    async with Database(f"sqlite:///{tmp_path / 'file' / 'x.db'}") as database:
        with pytest.raises(ServiceUnavailableError):
            await database.ping()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database, although it is long enough" * 40)
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        with pytest.raises(ServiceUnavailableError):
            await database.ping()


async def test_a_database_without_the_schema_is_unavailable(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        with pytest.raises(ServiceUnavailableError):
            await SqlAccountStore(database).by_id("a")


async def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        await SCHEMA.upgrade(database)
        store = SqlAccountStore(database)
        with pytest.raises(BadRequestError):
            await store.create(account("a", "a@example.org", "user", "\ud800"))
        assert await store.by_id("id-a") is None
        assert await store.create(account("a", "a@example.org", "user"))


async def test_a_cancelled_caller_leaves_no_lock(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        await SCHEMA.upgrade(database)
        store = SqlAccountStore(database)
        tasks = [
            asyncio.create_task(store.create(account(str(n), f"{n}@example.org", "user")))
            for n in range(20)
        ]
        await asyncio.sleep(0.01)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await store.create(account("last", "last@example.org"))
        for row in await store.page(after=None, limit=100):
            assert row.roles in (("user",), ())


async def test_many_writers_of_one_process_wait_their_turn(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'x.db'}") as database:
        await SCHEMA.upgrade(database)
        store = SqlOneTimeStore(database)
        await asyncio.gather(
            *(
                store.put(f"d{n}", purpose="p", subject=f"s{n}", now=0.0, expires_at=9.0)
                for n in range(200)
            )
        )
        assert await store.prune(now=9.0) == 200


async def test_a_writer_waits_for_one_of_its_own_process_without_polling(tmp_path: Path) -> None:
    url = Secret(f"sqlite:///{tmp_path / 'x.db'}")
    async with Database(DatabaseSettings(url=url, statement_timeout=0.1)) as database:
        await SCHEMA.upgrade(database)
        store = SqlOneTimeStore(database)
        async with database.transaction():
            put = store.put("d", purpose="p", subject="s", now=0.0, expires_at=9.0)
            waiting = asyncio.create_task(put)
            await asyncio.sleep(0.4)  # longer than the wait for a lock of another process
            assert not waiting.done()
        await waiting
        assert await store.consume("d", purpose="p", now=1.0) == "s"


def test_an_account_shows_no_address() -> None:
    ada = Account(id="1", email="ada@example.org", email_key="ada@example.org", created_at=1.0)
    assert "ada" not in repr(ada)
