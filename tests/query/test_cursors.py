"""Attack: a row that ends everybody's list, and a cursor that tells what is hidden."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar

import pytest
from sqlalchemy import MetaData
from sqlmodel import Field

from zenith.query import Query, ZenithModel, hidden
from zenith.stores.sql.model_database import ModelDatabase

metadata = MetaData()
LONG = "\N{GRINNING FACE}" * 1000


class Entry(ZenithModel, table=True):
    """A text of any length, of which there may be none."""

    metadata = metadata
    __tablename__ = "cursor_entries"
    __writable__: ClassVar = {"title"}
    __sortable__: ClassVar = {"title"}
    id: int | None = Field(default=None, primary_key=True)
    title: str | None = None


class Counted(ZenithModel, table=True):
    """Clients know it by its code, and are not to know how many there are."""

    metadata = metadata
    __tablename__ = "cursor_counted"
    __sortable__: ClassVar = {"code", "name"}
    id: Annotated[int | None, hidden] = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str = "x"


@pytest.fixture
async def opened(models_url: str) -> AsyncIterator[ModelDatabase]:
    async with ModelDatabase(models_url, metadata=metadata) as database:
        await database.create_tables()
        async with database.open():
            yield database
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)


async def _pages(query: Query[Any]) -> list[Any]:
    found, cursor = [], None
    for _ in range(20):
        page = await query.page(after=cursor, size=1)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("pages without end")


@pytest.mark.parametrize("sort", ["title", "-title"])
async def test_long_texts_end_nobodys_list(opened, sort):
    titles = ["a", f"b{LONG}", f"b{LONG}1", f"b{LONG}2", LONG, f"{LONG}1", "c", None, None]
    for title in titles:
        await Entry(title=title).save()
    found = await _pages(Entry.from_client({}, sort))
    assert sorted(each.id for each in found) == list(range(1, len(titles) + 1))
    expected = await Entry.order_by(sort)
    assert [(each.title or "")[:1000] for each in found] == [
        (each.title or "")[:1000] for each in expected
    ]


async def test_cursors_hold_no_hidden_key(opened):
    for code in "cab":
        await Counted(code=code).save()
    for query in (Counted.where(), Counted.order_by("name"), Counted.from_client({}, "-name")):
        with pytest.raises(ValueError, match="hidden"):
            await query.page()
    page = await Counted.from_client({}, "name,code").page(size=1)
    assert page.next is not None
    told = base64.urlsafe_b64decode(page.next + "==").decode()
    assert told.endswith(',"x","a"]')
    found = await _pages(Counted.from_client({}, "-code"))
    assert [each.code for each in found] == ["c", "b", "a"]


async def test_names_of_filters_are_not_those_of_parameters(opened):
    for name in ("self", "cls", "conditions"):
        for where in (Entry.where, Entry.where().where):
            with pytest.raises(ValueError, match="no column"):
                where(**{name: "x"})
