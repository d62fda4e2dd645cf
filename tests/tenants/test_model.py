"""Rows of a tenant: read, written, referred to."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from sqlalchemy import (
    Column,
    MetaData,
    String,
    Table,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    null,
    select,
    table,
    text,
    update,
)
from sqlalchemy.orm import aliased, joinedload, selectinload

from tests.tenants.models import Country, TenantDocument, TenantFolder, table_of
from zenith.kernel.errors import PermissionDeniedError
from zenith.query import current_session, open_session, transaction
from zenith.tenants import (
    ForeignReferenceError,
    TenantError,
    TenantRequiredError,
    across_tenants,
    fragments,
    tenant_scope,
)


async def titles() -> list[str]:
    return sorted(row.title for row in await TenantDocument.where().all())


async def test_each_tenant_has_its_own_rows(world):
    for tenant in ("acme", "bolt"):
        with tenant_scope(tenant):
            async with world.database.open():
                assert await titles() == [f"{tenant} secret"]
                assert await TenantDocument.where().count() == 1


async def test_new_rows_are_stamped(acme):
    made = await TenantDocument.create(title="new")
    assert made.tenant == "acme"
    current_session().add_all([TenantDocument(title="one"), TenantDocument(title="two")])
    await current_session().flush()
    await current_session().exec(insert(TenantDocument), [{"title": "three"}, {"title": "four"}])
    assert set(await titles()) == {"acme secret", "new", "one", "two", "three", "four"}
    with tenant_scope("bolt"):
        async with open_session():
            assert await titles() == ["bolt secret"]


async def test_rows_are_changed_and_deleted(acme):
    document = await TenantDocument.where().one()
    await document.update(title="other")
    assert await titles() == ["other"]
    await document.delete()
    assert await titles() == []


async def test_nothing_runs_without_a_tenant(world):
    async with world.database.open() as session:
        for statement in (
            select(TenantDocument),
            update(TenantDocument).values(title="x"),
            delete(TenantDocument),
        ):
            with pytest.raises(TenantRequiredError):
                await session.exec(statement)
        with pytest.raises(TenantRequiredError) as caught:
            await TenantDocument.create(title="x")
        session.expunge_all()
        assert isinstance(caught.value, PermissionDeniedError)
        assert len(await Country.where().all()) == 2, "what has no tenants is not touched"


async def test_a_tenant_that_is_chosen_after_the_transaction_began(world):
    async with world.database.open():
        assert len(await Country.where().all()) == 2
        with tenant_scope("acme"):
            assert await titles() == ["acme secret"]


async def test_a_tenant_that_is_chosen_in_a_savepoint_that_is_undone(world):
    async with world.database.open():
        assert len(await Country.where().all()) == 2
        with tenant_scope("acme"):
            with contextlib.suppress(ZeroDivisionError):
                async with transaction():
                    assert await titles() == ["acme secret"]
                    raise ZeroDivisionError
            assert await titles() == ["acme secret"]
            async with transaction():
                async with transaction():
                    assert await titles() == ["acme secret"]
                assert await titles() == ["acme secret"]


async def test_relations_stay_inside(acme):
    plain = await TenantFolder.where().one()
    session = current_session()
    for loaded in (selectinload(TenantFolder.documents), joinedload(TenantFolder.documents)):
        session.expunge_all()
        folder = (await session.exec(select(TenantFolder).options(loaded))).unique().scalar_one()
        assert folder.id == plain.id
        assert [document.title for document in folder.documents] == ["acme secret"]


async def test_joins_keep_rows_without_a_partner(acme):
    await current_session().exec(delete(TenantDocument))
    rows = await current_session().exec(
        select(TenantFolder.name, TenantDocument.title).outerjoin(TenantDocument)
    )
    assert rows.all() == [("acme folder", None)]


async def test_a_session_serves_one_tenant(acme):
    document = await TenantDocument.where().one()
    with tenant_scope("bolt"):
        for step in (
            lambda: current_session().get(TenantDocument, document.id),
            lambda: current_session().exec(select(Country)),
            lambda: TenantDocument.where().all(),
        ):
            with pytest.raises(TenantError, match="another"):
                await step()
    assert await current_session().get(TenantDocument, document.id) is document


async def test_moving_a_row_is_refused(acme):
    document = await TenantDocument.where().one()
    document.tenant = "bolt"
    with pytest.raises(TenantError, match="another tenant"):
        await current_session().flush()
    current_session().expunge_all()
    current_session().add(TenantDocument(title="x", tenant="bolt"))
    with pytest.raises(TenantError, match="another tenant"):
        await current_session().flush()
    current_session().expunge_all()
    for statement in (
        update(TenantDocument).values(tenant="bolt"),
        update(TenantDocument).values({TenantDocument.tenant: "bolt"}),
        insert(TenantDocument).values(title="x", tenant="bolt"),
    ):
        with pytest.raises(TenantError, match="sets `tenant`"):
            await current_session().exec(statement)
    with pytest.raises(TenantError, match="sets `tenant`"):
        await current_session().exec(insert(TenantDocument), [{"title": "x", "tenant": "bolt"}])


async def test_references_stay_inside(acme):
    foreign = acme.of("bolt", "folder")
    with pytest.raises(ForeignReferenceError):
        await TenantDocument.create(title="x", folder_id=foreign)
    current_session().expunge_all()
    document = await TenantDocument.where().one()
    with pytest.raises(ForeignReferenceError):
        await document.update(folder_id=foreign)
    with pytest.raises(ForeignReferenceError) as unknown:
        await document.update(folder_id=987_654)
    assert unknown.value.status == 422
    current_session().expunge_all()
    folder = TenantFolder(name="new", country_id=acme.of("bolt", "country"))
    folder.documents = [TenantDocument(title="inside")]
    current_session().add(folder)
    await current_session().flush()
    assert [row.folder_id for row in await TenantDocument.where(title="inside").all()] == [
        folder.id
    ]
    await (await TenantDocument.where(title="inside").one()).update(title="again")


async def test_references_in_statements_stay_inside(acme):
    """Rows that are written many at a time refer to no other tenant's either."""
    mine, foreign = acme.of("acme", "folder"), acme.of("bolt", "folder")
    session = current_session()
    with pytest.raises(ForeignReferenceError):
        await TenantDocument.where(title="acme secret").update(folder_id=foreign)
    for statement, rows in (
        (
            insert(TenantDocument),
            [{"title": "x", "folder_id": mine}, {"title": "y", "folder_id": foreign}],
        ),
        (insert(TenantDocument).values(title="x", folder_id=foreign), None),
        (update(TenantDocument).values(folder_id=bindparam("to")), {"to": foreign}),
        (update(TenantDocument), [{"id": acme.of("acme", "document"), "folder_id": foreign}]),
    ):
        with pytest.raises(ForeignReferenceError):
            await session.exec(statement, params=rows)
    with pytest.raises(TenantError, match="computes"):
        await session.exec(update(TenantDocument).values(folder_id=TenantDocument.id))
    added = TenantFolder(name="added")
    session.add(added)
    await session.flush()
    rows = [{"title": "x", "folder_id": mine}, {"title": "y", "folder_id": added.id}]
    await session.exec(insert(TenantDocument), params=[*rows, {"title": "z", "folder_id": None}])
    await session.exec(
        update(TenantDocument).where(TenantDocument.title == "x").values(folder_id=null())
    )
    assert await titles() == ["acme secret", "x", "y", "z"]


async def test_relations_to_what_was_read_elsewhere(world):
    with across_tenants("test"):
        async with world.database.open():
            foreign = await TenantFolder.where(name="bolt folder").one()
    with tenant_scope("acme"):
        async with world.database.open():
            document = await TenantDocument.where().one()
            document.place = foreign
            with pytest.raises(ForeignReferenceError):
                await document.save()
            current_session().expunge_all()


async def test_raw_sql_writes_for_nobody_in_particular(world):
    with across_tenants("test"):
        for statement in (
            text("DELETE FROM tt_documents"),
            text("REPLACE INTO tt_documents (id) VALUES (1)"),
            update(table("tt_documents", column("title"))).values(title="x"),
        ):
            async with world.database.open() as session:
                with pytest.raises(TenantError):
                    await session.exec(statement)
        async with world.database.open() as session:
            read = select(table("tt_documents", column("title")))
            assert len((await session.exec(read)).all()) == 2


async def test_all_tenants_can_be_read_by_name_only(world):
    with pytest.raises(ValueError, match="why"), across_tenants(" "):
        pass
    with across_tenants("a report"):
        async with world.database.open() as session:
            assert await titles() == ["acme secret", "bolt secret"]
            counted = select(TenantDocument.tenant, func.count()).group_by(TenantDocument.tenant)
            assert sorted((await session.exec(counted)).all()) == [("acme", 1), ("bolt", 1)]
            assert (await session.exec(text("SELECT count(*) FROM tt_documents"))).scalar() == 2
            for statement in (update(TenantDocument).values(title="x"), delete(TenantDocument)):
                with pytest.raises(TenantRequiredError):
                    await session.exec(statement)
            session.add(TenantDocument(title="x"))
            with pytest.raises(TenantRequiredError):
                await session.flush()
            session.expunge_all()
    with tenant_scope("acme"):
        async with world.database.open():
            assert await titles() == ["acme secret"], "what was compiled for all is not kept"


async def test_raw_sql_names_no_such_table(acme):
    session = current_session()
    for statement in (
        text("SELECT * FROM tt_documents"),
        text('SELECT * FROM "TT_Documents" AS d'),
        select(Country).where(text("id IN (SELECT id FROM tt_folders)")),
        select(Country).where(Country.id.in_(text("(SELECT id FROM tt_folders)"))),
        select(Country.id).prefix_with("(SELECT max(title) FROM tt_documents),"),
        select(Country.id).suffix_with("UNION SELECT title FROM tt_documents"),
        select(Country.id).with_statement_hint("FROM tt_documents"),
        select(Country.id).with_hint(Country, "FROM tt_documents"),
        select(Country.name.op("|| (SELECT max(title) FROM tt_documents) ||")("x")),
        select(literal_column("(SELECT max(title) FROM tt_documents)")),
    ):
        with pytest.raises(TenantError, match="raw SQL"):
            await session.exec(statement)
    assert (await session.exec(text("SELECT count(*) FROM tt_countries"))).scalar() == 2
    for statement in (
        select(table("tt_documents", column("title"))),
        select(Table("TT_documents", MetaData(), Column("title", String)).c.title),
    ):
        with pytest.raises(TenantError, match="stands for"):
            await session.exec(statement)


async def test_names_of_several_words(acme, monkeypatch):
    monkeypatch.setattr(fragments, "TENANT_TABLES", {"order-lines"})
    with pytest.raises(TenantError, match="order-lines"):
        await current_session().exec(text('SELECT * FROM "Order-Lines"'))


async def test_every_way_to_reach_a_table(acme):
    document = table_of(TenantDocument)
    other = aliased(TenantDocument)
    session = current_session()
    inner = select(TenantDocument.id).subquery()
    common = select(TenantDocument).cte()
    for statement in (
        select(func.count()).select_from(TenantDocument),
        select(func.count()).select_from(document),
        select(func.count(document.c.id)),
        select(func.count()).select_from(other),
        select(func.count()).select_from(document.alias("d")),
        select(func.count()).select_from(inner),
        select(func.count()).select_from(common),
        select(func.count()).where(TenantDocument.id == other.id),
        select(func.count()).where(Country.id == TenantFolder.country_id),
        select(func.count(Country.id))
        .where(
            select(TenantDocument.id).where(TenantDocument.title == "bolt secret").exists() == False  # noqa: E712
        )
        .where(Country.name == "land of acme"),
        select(func.count()).select_from(
            select(TenantDocument.id).union_all(select(document.c.id).where(False)).subquery()
        ),
        select(select(func.count()).select_from(TenantDocument).scalar_subquery()),
    ):
        assert (await session.exec(statement)).scalar() == 1, str(statement)


async def test_other_tables_are_changed_as_ever(acme):
    await current_session().exec(update(Country).values(name="x"))
    assert {country.name for country in await Country.where().all()} == {"x"}


def test_who_imports_the_model_alone_is_protected():
    """Parts are loaded when they are asked for; the border must not depend on who asks for what."""
    code = (
        "from sqlmodel import Field\n"
        "from zenith.tenants import TenantModel\n"
        "from zenith.query.session import HookedSession, _uses\n"
        "from sqlalchemy import event\n"
        "class A(TenantModel, table=True):\n"
        "    id: int = Field(primary_key=True)\n"
        "from zenith.tenants import border\n"
        "assert _uses == [border.bind]\n"
        "assert event.contains(HookedSession, 'before_flush', border.check_rows)\n"
        "assert event.contains(HookedSession, 'do_orm_execute', border.check_statement)\n"
        "assert event.contains(HookedSession, 'after_begin', border.tell_database)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
