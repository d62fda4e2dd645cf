"""SQL as it was written, wherever in a statement it hides, and DDL that reaches rows later on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import String as Text
from sqlalchemy import (
    cast,
    column,
    extract,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    values,
)
from sqlalchemy.exc import CompileError
from sqlalchemy.orm import column_property, query_expression, with_expression, with_loader_criteria
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field
from sqlmodel import select as select_models

from tests.tenants.models import Base, Country, table_of
from zenith.tenants import TenantError, across_tenants, tenant_scope

OF_ANOTHER = "(SELECT title FROM tt_documents WHERE tenant = 'bolt')"
countries = table_of(Country)


class Computed(Base, table=True):
    """Its rows hold what SQL says that nobody looked at."""

    __tablename__ = "tt_computed"
    id: int | None = Field(default=None, primary_key=True)


mapper: Any = vars(Computed)["__mapper__"]
mapper.add_property("leak", column_property(literal_column(OF_ANOTHER).label("leak")))
mapper.add_property("asked", query_expression())
named: Any = Computed
is_leaked: Any = literal_column(f"EXISTS {OF_ANOTHER}") == literal_column("1")
plain = table("tt_documents", column("title"))


class Reading(UserDefinedType[str]):
    """A type whose name goes on as a query."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return f"TEXT) || {OF_ANOTHER} || CAST('' AS TEXT"


class RowOfDocuments(UserDefinedType[str]):
    """The type of the rows of a table bears its name."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "tt_documents"


STATEMENTS = {
    "a type": select(cast(countries.c.name, Reading)),
    "a type within another": select(
        column("v").in_(select(cast(cast(countries.c.name, Reading), Text)))
    ),
    "many rows": insert(countries).values([{"name": text(OF_ANOTHER)}, {"name": "b"}]),
    "many rows of a query": insert(countries).values(
        [{"name": select(plain.c.title).scalar_subquery()}, {"name": "b"}]
    ),
    "values": select(column("x")).select_from(
        values(column("x", Text), name="v").data([(literal_column(OF_ANOTHER),), ("b",)])
    ),
    "extract": select(extract(f"year FROM now()), {OF_ANOTHER}, extract(year", func.now())),
    "a computed column": select(Computed),
    "a computed column below": select(select(named.leak).subquery()),
    "an expression": select(Computed).options(
        with_expression(named.asked, literal_column(OF_ANOTHER))
    ),
    "criteria": select(Country).options(with_loader_criteria(Country, is_leaked)),
    "criteria on a table of its own": select(Country).options(
        with_loader_criteria(Country, column("name").in_(select(plain.c.title)))
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_raw_sql_is_found_wherever_it_hides(world, statement):
    with tenant_scope("acme"):
        async with world.database.open() as session:
            for _ in range(2):
                with pytest.raises(TenantError):
                    await session.exec(statement)
        async with world.database.engine.connect() as connection:
            # One of them is nothing that SQLite is told at all.
            with pytest.raises((TenantError, CompileError)):
                await connection.execute(statement)


async def test_options_that_name_no_such_table_are_as_they_were(acme):
    async with acme.database.open() as session:
        harmless = with_loader_criteria(Country, literal_column("'land of acme'") == Country.name)
        found = await session.exec(select_models(Country).options(harmless))
        assert [each.name for each in found.all()] == ["land of acme"]
        await session.exec(insert(countries).values([{"name": text("'c'")}, {"name": "d"}]))


LATER = (
    "CREATE TRIGGER t AFTER INSERT ON tt_countries BEGIN UPDATE tt_documents SET title = ''; END",
    "CREATE /* a */ TEMP TRIGGER t AFTER INSERT ON tt_documents BEGIN SELECT 1; END",
    "CREATE OR REPLACE RULE r AS ON INSERT TO tt_countries DO ALSO DELETE FROM tt_documents",
    "CREATE VIRTUAL TABLE f USING fts5(title, content='tt_documents')",
    "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN SELECT title FROM tt_documents",
    "CREATE OR REPLACE FUNCTION f() RETURNS text RETURN (SELECT title FROM tt_documents)",
    "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT title FROM tt_documents $body$",
    "CREATE PROCEDURE f() BEGIN ATOMIC DELETE FROM tt_documents; END",
    "CREATE FOREIGN TABLE f (title text) SERVER itself OPTIONS (table_name 'tt_documents')",
    "CREATE TEMP VIEW v AS TABLE tt_documents",
    "CREATE PUBLICATION p FOR TABLE tt_documents",
    "ALTER TABLE tt_documents RENAME TO moved",
    "ALTER TABLE tt_documents INHERIT everything",
    "ALTER TABLE everything ATTACH PARTITION tt_documents DEFAULT",
    "ALTER TABLE tt_documents SET SCHEMA elsewhere",
    "CREATE TABLE copy AS EXECUTE prepared('tt_documents')",
)


@pytest.mark.parametrize("raw", LATER)
async def test_no_ddl_reaches_the_rows_of_all_later_on(world, raw):
    async with world.database.engine.connect() as connection:
        with pytest.raises(TenantError):
            await connection.exec_driver_sql(raw)
        with pytest.raises(TenantError):
            await connection.execute(text(raw.replace(":", r"\:")))


async def test_migrations_do_what_they_say_they_do(world):
    async with world.database.engine.connect() as connection:
        for harmless in (
            "CREATE TABLE tt_draft (id INTEGER)",
            "ALTER TABLE tt_documents RENAME COLUMN title TO heading",
            "ALTER TABLE tt_documents RENAME COLUMN heading TO title",
        ):
            await connection.exec_driver_sql(harmless)
        with across_tenants("a migration"):
            await connection.exec_driver_sql("ALTER TABLE tt_documents RENAME TO tt_moved")
        # What takes the table's place, as tools do that copy a table to change it.
        await connection.exec_driver_sql("ALTER TABLE tt_draft RENAME TO tt_documents")


def test_a_type_may_bear_the_name_of_a_table(world):
    statement = select(cast(countries.c.name, RowOfDocuments))
    assert "AS tt_documents)" in str(statement.compile(world.database.engine.sync_engine))
    with pytest.raises(TenantError, match="type's text reads `tt_documents`"):
        select(cast(countries.c.name, Reading)).compile()
