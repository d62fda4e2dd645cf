"""PostgreSQL's own border, seen by another program."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.tenants.models import TenantDocument as Row
from tests.tenants.models import metadata, table_of
from zenith.stores.sql.model_database import ModelDatabase
from zenith.tenants import open_borders, statements_for, tenant_scope

TELL = text("SELECT set_config('zenith.tenant', :tenant, true)")
COUNT = text("SELECT count(*) FROM tt_documents")
ADD = text("INSERT INTO tt_documents (tenant, title) VALUES (:tenant, 'x')")


@pytest.fixture
def postgres(world) -> ModelDatabase:
    if world.database.dialect != "postgresql":
        pytest.skip("only PostgreSQL has row-level security")
    return world.database


@pytest.fixture
async def other(postgres, world_url) -> AsyncIterator[AsyncEngine]:
    """What knows nothing of Zenith."""
    engine = create_async_engine(world_url)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(("tenant", "seen"), [("acme", 1), ("bolt", 1), ("", 0), ("none", 0)])
async def test_raw_statements_see_what_was_announced(other, tenant, seen):
    async with other.begin() as connection:
        await connection.execute(TELL, {"tenant": tenant})
        assert (await connection.execute(COUNT)).scalar() == seen


async def test_nothing_was_announced(other):
    async with other.begin() as connection:
        assert (await connection.execute(COUNT)).scalar() == 0


async def test_all_can_be_read_and_not_written(other):
    async with other.connect() as connection:
        await connection.execute(TELL, {"tenant": "*"})
        assert (await connection.execute(COUNT)).scalar() == 2
        with pytest.raises(exc.DBAPIError, match="row-level security"):
            await connection.execute(ADD, {"tenant": "acme"})
        await connection.rollback()
        await connection.execute(TELL, {"tenant": "*"})
        assert (await connection.execute(text("DELETE FROM tt_documents"))).rowcount == 0


async def test_another_tenants_rows_cannot_be_written(other):
    async with other.connect() as connection:
        await connection.execute(TELL, {"tenant": "acme"})
        changed = await connection.execute(text("UPDATE tt_documents SET title = 'x'"))
        assert changed.rowcount == 1
        with pytest.raises(exc.DBAPIError, match="row-level security"):
            await connection.execute(ADD, {"tenant": "bolt"})


async def test_what_was_announced_ends_with_the_transaction(other):
    async with other.connect() as connection:
        await connection.execute(TELL, {"tenant": "acme"})
        await connection.rollback()
        assert (await connection.execute(COUNT)).scalar() == 0


async def test_a_border_that_is_drawn(world):
    assert await open_borders(world.database.engine, metadata) == []
    assert await open_borders(world.database.engine, type(metadata)()) == []


async def test_a_border_that_is_open(postgres, services):
    async with postgres.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE tt_documents NO FORCE ROW LEVEL SECURITY"))
    assert await open_borders(postgres.engine, metadata) == [
        "table tt_documents has no row-level security"
    ]
    async with ModelDatabase(services.shared("postgres")["url"]) as administrator:
        found = await open_borders(administrator.engine, metadata)
    assert found[0] == "the database role is exempt from row-level security"
    assert len(found) == 3


def test_the_statements_for_migrations():
    first, second, policy, reading = statements_for(table_of(Row))
    assert first == 'ALTER TABLE "tt_documents" ENABLE ROW LEVEL SECURITY'
    assert second == 'ALTER TABLE "tt_documents" FORCE ROW LEVEL SECURITY'
    assert "WITH CHECK" in policy
    assert "'*'" not in policy
    assert "FOR SELECT USING" in reading


async def test_sessions_announce_their_tenant(postgres):
    with tenant_scope("acme"):
        async with postgres.open() as session:
            setting = text("SELECT current_setting('zenith.tenant')")
            assert (await session.exec(setting)).scalar() == "acme"
