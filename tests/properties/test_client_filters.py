"""Whatever a client filters by: the rows that the same filter in Python gives, or a refusal."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import MetaData
from sqlmodel import Field

from zenith.kernel.errors import ValidationError
from zenith.query import ZenithModel
from zenith.stores.sql import ModelDatabase

SEEN = datetime(2026, 1, 1, tzinfo=UTC)


class Sample(ZenithModel, table=True):
    """A few kinds of columns, some of them without a value."""

    metadata = MetaData()
    __tablename__ = "property_samples"
    __writable__: ClassVar = {"name", "amount", "price", "ready", "seen"}
    __filterable__: ClassVar = {
        "name": {"eq", "ne", "in", "not_in", "contains", "starts_with", "ends_with"},
        "amount": {"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "is_null"},
        "price": {"eq", "gt", "lte"},
        "ready": {"eq", "ne"},
        "seen": {"gte", "lt", "eq"},
    }
    __sortable__: ClassVar = {"amount", "price", "seen"}
    id: int | None = Field(default=None, primary_key=True)
    name: str
    amount: int | None = None
    price: float = 0.0
    ready: bool = False
    seen: datetime | None = None


ROWS = [
    {"name": name, "amount": amount, "price": price, "ready": ready, "seen": seen}
    for number, (name, amount, price, ready, seen) in enumerate(
        (name, amount, amount or 0.5, bool(index % 2), SEEN + timedelta(days=index))
        for index, (name, amount) in enumerate(
            zip(
                ("ab", "Ab", "b%", "a_b", "'", "", "ba", "a/b", "%", "a\\b"),
                (0, 1, None, -1, 2, 1, None, 7, -2147483648, 2147483647),
                strict=True,
            )
        )
    )
    if number >= 0
]
TYPES: dict[str, TypeAdapter[Any]] = {
    "name": TypeAdapter(str),
    "amount": TypeAdapter(int),
    "price": TypeAdapter(float),
    "ready": TypeAdapter(bool),
    "seen": TypeAdapter(datetime),
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "in": lambda value, several: value in several,
    "not_in": lambda value, several: value not in several,
    "contains": lambda value, part: part.lower() in value.lower(),
    "starts_with": lambda value, part: value.lower().startswith(part.lower()),
    "ends_with": lambda value, part: value.lower().endswith(part.lower()),
}
TEXTS = st.one_of(
    st.sampled_from(
        ["a", "b", "%", "_", "'", "/", "\\", "1", "0", "-1", "7", "true", "2147483648"]
    ),
    st.integers(-3, 9).map(str),
    st.floats(-2, 3).map(str),
    st.sampled_from([(SEEN + timedelta(days=day)).isoformat() for day in range(0, 10, 3)]),
    st.text(st.characters(codec="ascii"), max_size=4),
    st.text(max_size=4),
)
FILTERS = st.dictionaries(
    st.builds(
        lambda name, op: name if op == "eq" else f"{name}__{op}",
        st.sampled_from([*TYPES, "id", "secret"]),
        st.sampled_from([*COMPARE, "is_null", "like"]),
    ),
    st.one_of(TEXTS, st.lists(TEXTS, max_size=3).map(",".join)),
    max_size=3,
)


def _meets(row: dict[str, Any], name: str, text: str) -> bool:
    name, _, op = name.partition("__")
    value = row[name]
    if op == "is_null":
        return TypeAdapter(bool).validate_python(text) is (value is None)
    if value is None:
        return False
    several = op in ("in", "not_in")
    read = [TYPES[name].validate_python(each) for each in (text.split(",") if several else [text])]
    return COMPARE[op or "eq"](value, read if several else read[0])


class World:
    """One database and its loop."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.models = ModelDatabase(url, create_tables=True, metadata=Sample.metadata)
        self.do(self._fill())

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _fill(self) -> None:
        async with self.models.open():
            for row in ROWS:
                await Sample.create(**row)

    async def names(self, filters: dict[str, str], sort: str) -> list[str] | None:
        async with self.models.open():
            try:
                query = Sample.from_client(filters, sort)
            except ValidationError:
                return None
            whole = [sample.name for sample in await query]
            paged: list[str] = []
            cursor, more = None, True
            while more:
                page = await query.page(after=cursor, size=2)
                paged += [sample.name for sample in page.items]
                cursor, more = page.next, page.next is not None
            assert sorted(paged) == sorted(whole)
            return whole


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("samples")
    if request.param == "sqlite":
        found = World(f"sqlite:///{folder}/samples.db")
    else:
        services = request.getfixturevalue("services")
        found = World(services.shared("postgres")["url"])
    yield found

    async def end() -> None:
        async with found.models.engine.begin() as connection:
            await connection.run_sync(Sample.metadata.drop_all)
        await found.models.close()

    found.do(end())
    found.loop.close()


@settings(max_examples=30)
@given(filters=FILTERS, sort=st.sampled_from(["", "amount", "-amount", "price,-seen", "-seen"]))
def test_the_rows_of_the_same_filter_in_python(
    world: World, filters: dict[str, str], sort: str
) -> None:
    found = world.do(world.names(filters, sort))
    if found is None:
        return
    expected = [
        row["name"]
        for row in ROWS
        if all(_meets(row, name, text) for name, text in filters.items())
    ]
    assert sorted(found) == sorted(expected)
