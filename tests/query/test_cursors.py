"""Attack: a row that ends everybody's list, and a cursor that tells what is hidden."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar

import pytest
from sqlalchemy import MetaData
from sqlmodel import Field

from zenith.kernel.errors import ValidationError
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
    """What begins alike for 1,000 characters was in the order of the rest, and cursors went by the
    key: a text that was written first and comes last was in no page.
    """
    ends = ["3", "1", "2", "", "\n", "1", " ", "9" * 2000]
    titles = ["a", *(f"b{LONG}{end}" for end in ends), LONG, f"{LONG}1", "c", None, None]
    for title in titles:
        await Entry(title=title).save()
    found = await _pages(Entry.from_client({}, sort))
    expected = await Entry.order_by(sort, "-id" if sort.startswith("-") else "id")
    assert [each.id for each in found] == [each.id for each in expected]


@pytest.mark.parametrize("sort", ["title", "-title"])
@pytest.mark.parametrize("change", ["delete", "rename"])
async def test_a_long_text_that_goes_meanwhile_takes_no_other_along(opened, sort, change):
    for end in "312":
        await Entry(title=f"{LONG}{end}").save()
    seen: set[str] = set()
    page = await Entry.from_client({}, sort).page(size=1)
    gone = page.items[0]
    seen.add(gone.title[-1])
    if change == "delete":
        await gone.delete()
    else:
        await Entry.where(id=gone.id).update({"title": "elsewhere"})
    while page.next is not None:
        page = await Entry.from_client({}, sort).page(size=1, after=page.next)
        seen |= {each.title[-1] for each in page.items}
    assert {"1", "2", "3"} <= seen


async def test_a_cursor_tells_nothing_of_rows_that_its_query_does_not_see(opened):
    """Attack: a cursor with somebody else's key and the beginning of his text, moved along to
    learn how it goes on.
    """
    own = await Entry(title=f"{LONG}5").save()
    other = await Entry(title=f"{LONG}7").save()
    page = await Entry.from_client({}, "title").page(size=1)
    assert page.next is not None
    content = json.loads(base64.urlsafe_b64decode(page.next + "=="))
    content[2] = other.id
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    for seen in (Entry.from_client({}, "title"), Entry.where(Entry.id == own.id)):
        found = (await seen.order_by("title").page(after=forged)).items
        assert found == ([] if seen.statement().whereclause is None else [own])


class Code(ZenithModel, table=True):
    """Its key is hidden, and what is unique instead may be long."""

    metadata = metadata
    __tablename__ = "cursor_codes"
    __sortable__: ClassVar = {"code", "title"}
    id: Annotated[int | None, hidden] = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    title: str = LONG


@pytest.mark.parametrize("sort", ["code", "-code", "title,-code"])
async def test_long_codes_in_the_place_of_a_key_are_whole(opened, sort):
    codes = ["x" * 1500 + end for end in "3124"]
    for code in codes:
        await Code(code=code).save()
    found = await _pages(Code.from_client({}, sort))
    assert [each.code for each in found] == sorted(codes, reverse="-" in sort)


@pytest.mark.parametrize("code", ["\ud800", "a\0b", "x" * 1500 + "\0", 5, None, ["x"]])
async def test_a_forged_code_is_no_cursor(opened, code):
    for each in "ab":
        await Code(code=each).save()
    page = await Code.from_client({}, "code").page(size=1)
    assert page.next is not None
    signature, _ = json.loads(base64.urlsafe_b64decode(page.next + "=="))
    forged = base64.urlsafe_b64encode(json.dumps([signature, code]).encode()).decode()
    with pytest.raises(ValidationError):
        await Code.from_client({}, "code").page(after=forged)


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
