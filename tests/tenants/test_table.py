"""What statements become, whoever runs them."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    DDL,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable, CreateTableAs, CreateView

from tests.tenants.models import Country, TenantDocument, TenantFolder, table_of
from zenith.query import on_statement, unhook
from zenith.tenants import TenantError, across_tenants, tenant_scope
from zenith.tenants.row_level_security import announce
from zenith.tenants.table import PARAMETER, TenantTable

documents = table_of(TenantDocument)


def sql(statement, dialect=postgresql) -> str:
    return " ".join(str(statement.compile(dialect=dialect.dialect())).split())


async def test_statements_outside_of_sessions_are_limited_too(world):
    with tenant_scope("acme"):
        async with world.database.engine.begin() as connection:
            await connection.run_sync(announce, "acme")
            assert len((await connection.execute(select(documents))).all()) == 1
            assert (await connection.execute(update(documents).values(title="x"))).rowcount == 1
            await connection.execute(insert(documents).values(title="y", tenant="bolt"))
            assert (await connection.execute(delete(documents))).rowcount == 2
    with tenant_scope("bolt"):
        async with world.database.engine.begin() as connection:
            await connection.run_sync(announce, "bolt")
            rows = (await connection.execute(select(documents.c.title))).scalars().all()
            assert rows == ["bolt secret"]


RAW = (
    "SELECT * FROM tt_documents",
    'select title from "TT_Documents"',
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM main.tt_documents)",
    "UPDATE tt_documents SET title = 'x'",
    "DELETE FROM tt_documents",
    "EXPLAIN SELECT * FROM tt_documents",
    "CREATE TABLE copy AS SELECT * FROM tt_documents",
    "CREATE VIEW copy AS\n(WITH x AS (SELECT * FROM tt_documents) SELECT * FROM x)",
    "CREATE TABLE copy AS /* not /* seen */ */ SELECT * FROM tt_documents",
    "CREATE TABLE copy AS -- not seen\n SELECT * FROM tt_documents",
    "CREATE FUNCTION copy() RETURNS SETOF text AS $$SELECT title FROM tt_documents$$ LANGUAGE sql",
    "/* ALTER */ SELECT * FROM tt_documents",
    'SELECT * FROM U&"tt\\005fdocuments"',
)


@pytest.mark.parametrize("raw", RAW)
async def test_raw_sql_outside_of_sessions_names_no_such_table(world, raw):
    with tenant_scope("acme"):
        async with world.database.engine.connect() as connection:
            for _ in range(2):
                with pytest.raises(TenantError):
                    await connection.execute(text(raw))
                with pytest.raises(TenantError):
                    await connection.exec_driver_sql(raw)
        async with world.database.open() as session:
            with pytest.raises(TenantError):
                await (await session.connection()).execute(text(raw))


@pytest.mark.filterwarnings("ignore:executing DDL")
@pytest.mark.parametrize("raw", RAW)
async def test_raw_sql_is_raw_sql_when_it_calls_itself_ddl(world, raw):
    with tenant_scope("acme"):
        async with world.database.engine.connect() as connection:
            with pytest.raises(TenantError):
                await connection.execute(DDL(raw))
        async with world.database.open() as session:
            with pytest.raises(TenantError):
                await (await session.connection()).execute(DDL(raw))


@pytest.mark.parametrize("kind", [CreateTableAs, CreateView])
async def test_no_copy_is_made_of_the_rows_of_all(world, kind):
    plain = Table("tt_documents", MetaData(), Column("title", String))
    async with world.database.engine.connect() as connection:
        for rows in (select(plain), select(literal_column("1")).where(text("1 IN tt_documents"))):
            with pytest.raises(TenantError):
                await connection.execute(kind(rows, "copy"))
        await connection.execute(kind(select(literal_column("1").label("one")), "copy"))
        assert (await connection.exec_driver_sql("SELECT one FROM copy")).scalar() == 1
        await connection.execute(CreateTable(Table("tt_new", MetaData(), Column("id", Integer))))


async def test_raw_parts_outside_of_sessions_name_no_such_table(world):
    parts = select(Country.name).where(text("EXISTS (SELECT 1 FROM tt_documents)"))
    async with world.database.engine.connect() as connection:
        for _ in range(2):
            with across_tenants("a report"):
                await connection.execute(parts)
            with pytest.raises(TenantError):
                await connection.execute(parts)


async def test_raw_sql_outside_of_sessions_reads_all_tenants_by_name_only(world):
    async with world.database.engine.connect() as connection:
        with across_tenants("a report"):
            found = await connection.execute(text("SELECT title FROM tt_documents"))
            # PostgreSQL was told of no tenant: its own border stays closed.
            expected = 2 if world.database.dialect == "sqlite" else 0
            assert len(found.all()) == expected
            with pytest.raises(TenantError):
                await connection.execute(text("DELETE FROM tt_documents"))
        with pytest.raises(TenantError):
            await connection.execute(text("SELECT title FROM tt_documents"))
        # The shapes of tables are nobody's.
        await connection.exec_driver_sql("ALTER TABLE tt_documents ADD COLUMN more TEXT")
        await connection.execute(text("CREATE INDEX tt_more ON tt_documents (more)"))
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1


async def test_a_hook_on_statements_can_be_taken_away(world):
    seen: list[str] = []
    hook = on_statement(lambda sql, compiled: seen.append(sql))
    async with world.database.engine.connect() as connection:
        await connection.execute(text("SELECT 7"))
        unhook(hook)
        await connection.execute(text("SELECT 8"))
    assert seen == ["SELECT 7"]


async def test_parameters_of_a_client_do_not_choose_the_tenant(world):
    with tenant_scope("acme"):
        async with world.database.engine.begin() as connection:
            await connection.run_sync(announce, "acme")
            for name in ("tenant", "zenith_tenant", "tenant_1", "param_1"):
                found = await connection.execute(select(documents.c.tenant), {name: "bolt"})
                assert found.scalars().all() == ["acme"], name
    assert len(PARAMETER) > 20


@pytest.mark.parametrize(
    "statement",
    [
        insert(TenantDocument).from_select(["title"], select(Country.name)),
        insert(TenantDocument).values([{"title": "a"}, {"title": "b"}]),
        postgresql.insert(TenantDocument)
        .values(id=1)
        .on_conflict_do_update(index_elements=["id"], set_={"title": "x"}),
        sqlite.insert(documents)
        .values(id=1)
        .on_conflict_do_update(index_elements=["id"], set_={"title": "x"}),
    ],
)
def test_inserts_that_cannot_be_stamped(statement):
    with pytest.raises(TenantError):
        sql(statement, sqlite if isinstance(statement, sqlite.Insert) else postgresql)


@pytest.mark.parametrize(
    "statement",
    [
        insert(documents).prefix_with("OR REPLACE").values(id=1, title="x"),
        update(documents).prefix_with("or replace").values(id=1),
        update(documents.alias("d")).values(title="x"),
        update(documents.alias("d").alias("e")).values(title="x"),
        delete(documents.alias("d")),
        update(documents).values(tenant="bolt"),
        update(documents).values({documents.c.tenant: "bolt"}),
    ],
)
@pytest.mark.parametrize("scope", [tenant_scope, across_tenants])
def test_changes_of_what_is_anothers(statement, scope):
    """`INSERT OR REPLACE` removes whosever row has the key; an alias carries no condition."""
    with scope("acme"), pytest.raises(TenantError):
        sql(statement, sqlite)


async def test_rows_beside_an_update_name_no_tenant(world):
    moving = update(documents).where(documents.c.id == bindparam("key"))
    with tenant_scope("acme"):
        async with world.database.engine.begin() as connection:
            await connection.run_sync(announce, "acme")
            with pytest.raises(TenantError, match="sets `tenant`"):
                await connection.execute(moving, {"key": 1, "tenant": "bolt"})


def test_inserts_that_leave_what_is_there():
    text = sql(postgresql.insert(TenantDocument).values(id=1).on_conflict_do_nothing())
    assert PARAMETER in text


def test_other_tables_are_as_they_were():
    for statement in (
        select(Country),
        update(Country).values(name="x"),
        delete(Country),
        insert(Country).values([{"name": "a"}, {"name": "b"}]),
        insert(Country).from_select(["name"], select(Country.name)),
    ):
        assert PARAMETER not in sql(statement)


def test_tables_beside_the_one_that_is_changed():
    joined = TenantDocument.folder_id == TenantFolder.id
    assert sql(update(TenantDocument).where(joined).values(title="x")).count(PARAMETER) == 2
    assert sql(delete(TenantDocument).where(joined)).count(PARAMETER) == 2
    assert sql(update(Country).where(TenantFolder.country_id == Country.id)).count(PARAMETER) == 1


def test_locks_name_the_same_table():
    text = sql(select(TenantDocument).with_for_update(of=TenantDocument))
    assert text.endswith("AS tt_documents FOR UPDATE OF tt_documents")


def test_a_schema_is_refused():
    table = TenantTable(
        "t", MetaData(), Column("tenant", String), Column("id", Integer), schema="s"
    )
    with pytest.raises(TenantError, match="search path"):
        sql(select(table))


def test_all_tenants_are_read_only_where_nothing_is_kept(world_url):
    with across_tenants("a look"):
        assert PARAMETER not in sql(select(TenantDocument))
    assert PARAMETER in sql(select(TenantDocument))
