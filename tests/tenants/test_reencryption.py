"""Encrypted values of tenants come under the new key, all of them, each by its own tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import sqlmodel
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, type_coerce

from zenith.encryption import EncryptedString, EncryptionService
from zenith.encryption.key_set import KeySet, add_pending, finish
from zenith.kernel.errors import ConfigurationError
from zenith.stores.sql.model_database import ModelDatabase
from zenith.stores.sql.reencryption import Reencryption
from zenith.stores.sql.reencryption_bookmark import Bookmark
from zenith.tenants import TenantRequiredError, tenant_scope
from zenith.tenants.table import TenantTable


@dataclass
class Patients:
    """A table of two tenants, and its keys."""

    keys: KeySet
    table: Any
    database: ModelDatabase

    def work(self, **options: Any) -> Reencryption:
        return Reencryption(
            self.database.engine, self.database.metadata.sorted_tables, page=2, **options
        )

    def rotate(self) -> str:
        former = self.keys.values.active
        finish(self.keys.values, add_pending(self.keys.values, now=1.0))
        return former.id.hex()


@pytest.fixture
async def patients(world_url):
    keys, metadata = KeySet.new(), MetaData()
    table = TenantTable(
        "tt_patients",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("tenant", String(128), nullable=False),
        Column("ssn", EncryptedString(EncryptionService(keys.values))),
    )
    async with ModelDatabase(world_url, metadata=metadata) as database:
        await database.create_tables()
        for number, tenant in enumerate(("acme", "bolt")):
            with tenant_scope(tenant):
                async with database.open() as session:
                    for row in range(3):
                        given = {"id": 10 * number + row, "ssn": f"{tenant} {row}"}
                        await session.exec(insert(table), params=[given])
        yield Patients(keys, table, database)
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)


async def test_the_rows_of_every_tenant_are_renewed_and_looked_at(patients, tmp_path):
    former = patients.rotate()
    (found,) = await patients.work().check()
    assert (found.total, found.seen, found.left) == (6, 6, 6)
    bookmark = Bookmark(tmp_path / "place.json", resume=True)
    (done,) = await patients.work(bookmark=bookmark).run()
    assert (done.total, done.renewed, done.left, done.broken) == (6, 6, 0, 0)
    patients.keys.values.destroy(bytes.fromhex(former))
    for tenant in ("acme", "bolt"):
        with tenant_scope(tenant):
            async with patients.database.open() as session:
                rows = await session.exec(sqlmodel.select(patients.table.c.ssn).order_by("id"))
                assert list(rows.all()) == [f"{tenant} {row}" for row in range(3)]


async def test_one_tenants_rows_are_enough_to_need_a_key(patients):
    patients.rotate()
    with tenant_scope("acme"):
        # Whoever asks, and for whom: a key is destroyed for all.
        (found,) = await patients.work().check()
    assert (found.seen, found.left) == (6, 6)


async def test_the_border_is_closed_behind_it(patients):
    patients.rotate()
    await patients.work().run()
    raw = select(type_coerce(patients.table.c.ssn, String()))
    async with patients.database.engine.connect() as connection:
        with pytest.raises(TenantRequiredError):
            await connection.execute(raw)


async def test_rows_that_a_policy_of_somebody_else_hides_are_not_left_out(tenant_postgres_url):
    keys, metadata = KeySet.new(), MetaData()
    Table(
        "tt_hidden",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("ssn", EncryptedString(EncryptionService(keys.values))),
    )
    async with ModelDatabase(tenant_postgres_url, metadata=metadata) as database:
        await database.create_tables()
        work = Reencryption(database.engine, metadata.sorted_tables)
        assert [report.seen for report in await work.check()] == [0]
        async with database.engine.begin() as connection:
            for what in ("ENABLE", "FORCE"):
                await connection.execute(text(f"ALTER TABLE tt_hidden {what} ROW LEVEL SECURITY"))
        for look in (work.check, work.run):
            with pytest.raises(ConfigurationError, match="not all rows of tt_hidden"):
                await look()
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
