"""Raw SQL: bound parameters, one statement, nothing left over."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any

import pytest

from zenith.kernel.errors import NotFoundError
from zenith.query import sql
from zenith.stores.sql import ModelDatabase


async def test_values_are_bound(models: ModelDatabase) -> None:
    async with models.open():
        await sql("INSERT INTO note (text) VALUES (:text)", text="'; DROP TABLE note; --").execute()
        await sql("INSERT INTO note (text) VALUES (:text);", text="b").execute()
        query = sql("SELECT text FROM note WHERE text IN :texts -- a :comment", texts=["b", "c"])
        assert await query == [{"text": "b"}]
        assert await query.first() == {"text": "b"}
        assert await query.one() == {"text": "b"}
        nothing = sql("SELECT text FROM note WHERE text = :text", text="nothing")
        assert await nothing.first() is None
        with pytest.raises(NotFoundError):
            await nothing.one()
        assert await sql("DELETE FROM note WHERE text <> :text", text="x").execute() == 2


@pytest.mark.parametrize(
    "statement",
    ["SELECT ':no' AS a", 'SELECT 1 AS ":no"', "SELECT 1 AS a /* ; :no */", "SELECT ';' AS a"],
)
async def test_what_only_looks_like_one(models: ModelDatabase, statement: Any) -> None:
    async with models.open():
        assert len(await sql(statement)) == 1


@pytest.mark.parametrize(
    ("statement", "values", "message"),
    [
        ("SELECT 1; DELETE FROM note", {}, "more than one"),
        ("SELECT ';'; DELETE FROM note", {}, "more than one"),
        ("SELECT 1;;SELECT 2", {}, "more than one"),
        ("SELECT :a", {}, "no value for :a"),
        ("SELECT 1", {"a": 1}, "no parameter :a"),
        ("SELECT ':a'", {"a": 1}, "no parameter :a"),
        ("SELECT CAST(1 AS int)::a", {"a": 1}, "no parameter :a"),
        ("SELECT :a", {"a": {"$ne": 1}}, "no value but dict"),
        ("SELECT :a", {"a": [["x"], object()]}, "no value but object"),
        (b"SELECT 1", {}, "is text"),
    ],
)
def test_what_is_refused(statement: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sql(statement, **values)


def test_a_semicolon_at_the_end_is_none_too_many() -> None:
    class Kind(Enum):
        A = "a"

    sql("SELECT :a ; -- done", a=Kind.A)
    sql("SELECT $tag$ ; :x $tag$, :d::date ;  ", d=date(2026, 1, 1))
