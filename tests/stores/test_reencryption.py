"""Re-encryption of tables in use: complete, never over somebody else's change, in any order."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    func,
    insert,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from zenith.encryption import (
    BlindIndex,
    DataKey,
    EncryptedBytes,
    EncryptedJSON,
    EncryptedString,
    EncryptionService,
    Keyring,
)
from zenith.encryption.key_set import KeySet, add_pending
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.stores.sql import ModelDatabase
from zenith.stores.sql.encrypted_rows import EncryptedTable
from zenith.stores.sql.reencryption import Reencryption
from zenith.stores.sql.reencryption_bookmark import Bookmark

SECRET = Secret("violet-Tractor-pond-ninety-0123456789-abcdef")


def day(minute):
    return datetime(2026, 1, 1, 0, minute)  # noqa: DTZ001  # as the column has it


class StoppedError(Exception):
    """The end of a run in its midst."""


class House:
    """A table, its keys and its database."""

    def __init__(self, url, **options):
        self.keys = KeySet.new()
        self.service = EncryptionService(self.keys.values)
        self.index = BlindIndex(self.keys.indexes, normalize="digits", **options)
        self.metadata = MetaData()
        self.table = Table(
            "person",
            self.metadata,
            Column("id", Integer, primary_key=True),
            Column("key_0", String(20)),
            Column("ssn", EncryptedString(self.service, index=self.index)),
            Column("note", EncryptedJSON(self.service)),
            Column("photo", EncryptedBytes(self.service)),
        )
        Table("plain", self.metadata, Column("id", Integer, primary_key=True))
        self.database = ModelDatabase(url, metadata=self.metadata)
        self.engine = self.database.engine

    async def fill(self, count, first=1):
        rows = [
            {"id": each, "key_0": "x", "ssn": f"{each:09}", "note": [each], "photo": b"p%d" % each}
            for each in range(first, first + count)
        ]
        async with self.engine.begin() as connection:
            await connection.execute(insert(self.table), rows)

    def rotate(self):
        for ring in (self.keys.values, self.keys.indexes):
            ring.rotate(add_pending(ring, now=1.0))

    def only_new_keys(self):
        """Destroy all former ones."""
        for ring in (self.keys.values, self.keys.indexes):
            for key in ring.keys:
                if key.id != ring.active.id:
                    ring.destroy(key.id)

    async def rows(self, statement=None):
        async with self.engine.connect() as connection:
            found = select(self.table).order_by(self.table.c.id)
            return (await connection.execute(found if statement is None else statement)).all()

    async def stored(self, name, key):
        column = type_coerce(self.table.c[name], String())
        ((found,),) = await self.rows(select(column).where(self.table.c.id == key))
        return found

    def work(self, **options):
        return Reencryption(self.engine, self.metadata.sorted_tables, page=7, **options)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/models.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def house(url):
    house = House(url)
    await house.database.create_tables()
    yield house
    await house.database.close()


async def test_every_value_and_every_index_is_new_and_opens(house):
    await house.fill(20)
    async with house.engine.begin() as connection:
        await connection.execute(insert(house.table), [{"id": 99, "key_0": None}])
    house.rotate()
    told = []
    (report,) = await house.work(tell=lambda report: told.append((report.step, report.seen))).run()
    assert (report.table, report.total, report.renewed, report.left) == ("person", 21, 20, 0)
    assert report.is_clean
    assert told[0] == ("re-encrypt", 7)
    assert told[-1] == ("verify", 21)
    house.only_new_keys()
    rows = await house.rows()
    assert [row.ssn for row in rows[:20]] == [f"{each:09}" for each in range(1, 21)]
    assert (rows[4].note, rows[4].photo, rows[20].ssn) == ([5], b"p5", None)
    found = await house.rows(select(house.table.c.id).where(house.table.c.ssn == "000-00-0007"))
    assert [row.id for row in found] == [7]
    (again,) = await house.work().run()
    assert (again.renewed, again.is_clean) == (0, True)


async def test_a_look_changes_nothing(house):
    await house.fill(9)
    before = await house.stored("ssn", 3)
    house.rotate()
    (report,) = await house.work().check()
    assert (report.left, report.renewed, report.is_clean) == (9, 0, False)
    assert await house.stored("ssn", 3) == before


async def test_the_same_keys_in_a_new_index_only(house):
    await house.fill(3)
    house.keys.indexes.rotate(add_pending(house.keys.indexes, now=1.0))
    photo, ssn = await house.stored("note", 1), await house.stored("ssn", 1)
    (report,) = await house.work().run()
    assert report.renewed == 3
    assert await house.stored("note", 1) == photo
    assert await house.stored("ssn", 1) != ssn


async def test_what_does_not_open_is_named_and_the_rest_is_done(house):
    await house.fill(30)
    async with house.engine.begin() as connection:
        await connection.execute(
            text("UPDATE person SET ssn = :value WHERE id = 7"), {"value": "ze1.AAAA"}
        )
    house.rotate()
    (report,) = await house.work().run()
    assert (report.broken, report.broken_rows, report.left) == (1, ["7"], 0)
    assert not report.is_clean
    assert "ze1" not in repr(report)


async def test_a_change_between_reading_and_writing_is_never_lost(house, monkeypatch):
    """Each row is changed by somebody after it was read and before it is written."""
    await house.fill(12)
    house.rotate()
    real = EncryptedTable.change

    async def change_all():
        other = ModelDatabase(house.database.settings, metadata=house.metadata)
        async with other.engine.begin() as connection:
            await connection.execute(update(house.table).values(note=["mine"]))
            await connection.execute(update(house.table).values(ssn="123-45-6789"))
        await other.close()

    changed = []

    def change(self, row):
        if not changed:
            changed.append(True)
            asyncio.run(change_all())
        return real(self, row)

    work = house.work()
    # Without the lock on the rows, which would let the others wait: only the comparison is left.
    read = work._read

    def unlocked(*given, lock=False):
        return read(*given)

    monkeypatch.setattr(work, "_read", unlocked)
    monkeypatch.setattr(EncryptedTable, "change", change)
    (report,) = await work.run()
    assert report.is_clean
    house.only_new_keys()
    for row in await house.rows():
        assert (row.note, row.ssn) == (["mine"], "123-45-6789")


async def test_many_write_meanwhile_and_nothing_is_lost(house):
    """Writers count up in every row, in a random order, also by former keys."""
    await house.fill(40)
    former = House(house.database.settings.url.reveal())
    former.keys.values.replace(house.keys.values.keys)
    former.keys.indexes.replace(house.keys.indexes.keys)
    for ring, own in (
        (house.keys.values, former.keys.values),
        (house.keys.indexes, former.keys.indexes),
    ):
        own.add(add_pending(ring, now=1.0))
        ring.rotate(own.keys[-1])
    done = asyncio.Event()
    written = dict.fromkeys(range(1, 41), 0)

    async def write(own, first):
        number = first
        while not done.is_set():
            number = number % 40 + 1
            written[number] += 1
            value = [number, written[number]]
            async with own.engine.begin() as connection:
                await connection.execute(
                    update(own.table).where(own.table.c.id == number).values(note=value)
                )
            await asyncio.sleep(0)

    # Each has rows of its own, so that what was written last is known.
    writers = [
        asyncio.create_task(write(former, 3)),
    ]
    for _ in range(2):
        await house.work().run()
    done.set()
    await asyncio.gather(*writers)
    (report,) = await house.work().run()
    assert report.is_clean
    house.only_new_keys()
    for row in await house.rows():
        assert row.note == ([row.id, written[row.id]] if written[row.id] else [row.id])
    assert sum(written.values()) > 10
    await former.database.close()


async def test_who_still_writes_by_a_former_key_is_told(house, monkeypatch):
    await house.fill(3)
    old = await house.stored("ssn", 2)
    house.rotate()
    work = house.work()
    look = work._look

    async def somebody(*given, **options):
        async with house.engine.begin() as connection:
            await connection.execute(
                text("UPDATE person SET ssn = :value WHERE id = 2"), {"value": old}
            )
        await look(*given, **options)

    monkeypatch.setattr(work, "_look", somebody)
    (report,) = await work.run()
    assert (report.left, report.is_clean) == (1, False)


async def test_rows_that_clash_in_a_unique_index_are_named(url):
    """A value twice, once under the former and once under the new key of the index."""
    house = House(url, unique=True)
    await house.database.create_tables()
    await house.fill(5)
    house.keys.indexes.rotate(add_pending(house.keys.indexes, now=1.0))
    async with house.engine.begin() as connection:
        await connection.execute(insert(house.table), [{"id": 50, "ssn": f"{3:09}"}])
    (report,) = await house.work().run()
    assert (report.broken, report.broken_rows, report.left) == (1, ["3"], 0)
    (other,) = await house.rows(select(func.count()).where(house.table.c.ssn == "000000001"))
    assert other == (1,)
    await house.database.close()


async def test_it_goes_on_where_it_was(house, tmp_path):
    await house.fill(30)
    house.rotate()
    path = tmp_path / "home" / "reencrypt.json"
    first = house.work(bookmark=Bookmark(path, resume=True), tell=stop_at(14))
    with pytest.raises(StoppedError):
        await first.run()
    assert "000000001" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    seen = []
    mark = Bookmark(path, resume=True)
    work = house.work(bookmark=mark, tell=lambda report: seen.append((report.step, report.seen)))
    (report,) = await work.run()
    assert mark.resumed
    assert report.is_clean
    # The 7 that were not remembered yet count among them, and none is renewed twice.
    assert (report.renewed, seen[0]) == (16, ("re-encrypt", 7))
    assert not path.exists()


async def test_it_begins_anew_without_a_place_or_with_other_keys(house, tmp_path):
    await house.fill(20)
    path = tmp_path / "mark"
    for resume, spoil in [
        (False, lambda: None),
        (True, house.rotate),
        (True, lambda: path.write_text("{")),
        (True, lambda: path.write_text(json.dumps({"keys": "", "tables": {"person": [["x", 1]]}}))),
        (True, path.unlink),
    ]:
        house.rotate()
        with pytest.raises(StoppedError):
            await house.work(bookmark=Bookmark(path, resume=False), tell=stop_at(14)).run()
        spoil()
        mark = Bookmark(path, resume=resume)
        (report,) = await house.work(bookmark=mark).run()
        assert report.is_clean
        assert not mark.resumed
    house.only_new_keys()
    assert len(await house.rows()) == 20


async def test_a_table_that_is_done_is_only_verified(house, tmp_path):
    await house.fill(9)
    house.rotate()

    def stop(report):
        if report.step == "verify":
            raise StoppedError

    path = tmp_path / "mark"
    with pytest.raises(StoppedError):
        await house.work(bookmark=Bookmark(path, resume=False), tell=stop).run()
    steps = set()
    work = house.work(
        bookmark=Bookmark(path, resume=True), tell=lambda report: steps.add(report.step)
    )
    (report,) = await work.run()
    assert report.is_clean
    assert steps == {"verify"}


def stop_at(seen):
    def stop(report):
        if report.seen >= seen:
            raise StoppedError

    return stop


async def test_keys_of_several_columns_and_kinds(url, tmp_path):
    service = EncryptionService(Keyring.from_secret(SECRET))
    metadata = MetaData()
    tables = [
        Table(
            "seats",
            metadata,
            Column("hall", String(5), primary_key=True),
            Column("guest", Uuid, primary_key=True),
            Column("name", EncryptedString(service)),
        ),
        Table(
            "events",
            metadata,
            Column("at", DateTime, primary_key=True),
            Column("name", EncryptedString(service)),
        ),
    ]
    database = ModelDatabase(url, metadata=metadata)
    await database.create_tables()
    seats, events = tables
    async with database.engine.begin() as connection:
        await connection.execute(
            insert(seats),
            [{"hall": hall, "guest": uuid4(), "name": hall} for hall in "abc" for _ in range(9)],
        )
        for minute in range(9):
            await connection.execute(
                text("INSERT INTO events (at, name) SELECT :at, NULL"),
                {"at": day(minute) if "postgres" in url else f"2026-01-01 00:0{minute}:00.000000"},
            )
        await connection.execute(update(events).values(name="x"))
    service.keyring.rotate(DataKey.new())
    bookmark = tmp_path / "mark"
    work = Reencryption(
        database.engine,
        metadata.sorted_tables,
        bookmark=Bookmark(bookmark, resume=True),
        page=4,
        tell=stop_at(8),
    )
    with pytest.raises(StoppedError):
        await work.run()
    reports = await Reencryption(
        database.engine, metadata.sorted_tables, bookmark=Bookmark(bookmark, resume=True), page=4
    ).run()
    assert all(report.is_clean for report in reports)
    async with database.engine.connect() as connection:
        names = (await connection.execute(select(seats.c.name).order_by(seats.c.hall))).scalars()
        assert "".join(names) == "a" * 9 + "b" * 9 + "c" * 9
    await database.close()


async def test_values_that_are_bound_to_rows(url):
    service = EncryptionService(Keyring.from_secret(SECRET))

    class Base(DeclarativeBase):
        pass

    class Account(Base):
        __tablename__ = "account"
        id: Mapped[UUID] = mapped_column(primary_key=True)
        iban: Mapped[str] = mapped_column(EncryptedString(service, row="id"))

    table = Account.__table__
    database = ModelDatabase(url, metadata=table.metadata)
    async with database.engine.begin() as connection:
        await connection.run_sync(table.create)

        def add(connection):
            with Session(connection) as session:
                session.add_all([Account(id=uuid4(), iban=f"DE{each}") for each in range(9)])
                session.commit()

        await connection.run_sync(add)
    service.keyring.rotate(DataKey.new())
    (report,) = await Reencryption(database.engine, [table], page=4).run()
    assert (report.renewed, report.is_clean) == (9, True)
    for key in service.keyring.keys:
        if key.id != service.keyring.active.id:
            service.keyring.destroy(key.id)

    def read(connection):
        with Session(connection) as session:
            return sorted(row[0].iban for row in session.execute(select(Account)).all())

    async with database.engine.connect() as connection:
        assert await connection.run_sync(read) == [f"DE{each}" for each in range(9)]
    await database.close()


def test_tables_that_cannot_be_gone_through_are_refused():
    service = EncryptionService(Keyring.from_secret(SECRET))
    bare = Table("bare", MetaData(), Column("x", EncryptedString(service)))
    with pytest.raises(ConfigurationError, match="no primary key"):
        EncryptedTable.of(bare)
    bound = Table(
        "bound",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("x", EncryptedString(service, row="ident")),
    )
    with pytest.raises(ConfigurationError, match="`ident`"):
        EncryptedTable.of(bound)
    assert EncryptedTable.of(Table("none", MetaData(), Column("id", Integer))) is None
