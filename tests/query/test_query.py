"""Queries: which rows they give, and what they refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import true
from sqlalchemy.exc import MultipleResultsFound

from tests.query.models import Account, Color, Pair, Thing
from zenith.kernel.errors import ConfigurationError, NotFoundError, ValidationError
from zenith.query import Query, columns_of
from zenith.query.columns import _columns_of
from zenith.query.conditions import compare
from zenith.query.errors import UnfitValueError
from zenith.stores.sql import ModelDatabase

SEEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def things(models: ModelDatabase) -> Any:
    """Ten things, numbered; the amount of every third is unknown."""
    async with models.open():
        for number in range(10):
            await Thing.create(
                {"ready": number % 2 == 0, "large": number << 40},
                name=f"thing {number}",
                amount=None if number % 3 == 0 else number,
                price=number / 4,
                color="red" if number < 5 else "blue",
                seen=SEEN + timedelta(hours=number),
            )
        yield


async def _names(query: Query[Thing]) -> str:
    return "".join(thing.name[-1] for thing in await query)


FILTERS: list[tuple[dict[str, object], str]] = [
    ({"name": "thing 3"}, "3"),
    ({"name__ne": "thing 3", "amount__lt": 5}, "124"),
    ({"amount": None}, "0369"),
    ({"amount__ne": None}, "124578"),
    ({"amount__is_null": True}, "0369"),
    ({"amount__is_null": False}, "124578"),
    ({"amount__gt": 5}, "78"),
    ({"amount__gte": 5}, "578"),
    ({"amount__lt": 2}, "1"),
    ({"amount__lte": 2}, "12"),
    ({"amount__in": [1, 2, 99]}, "12"),
    ({"amount__in": ()}, ""),
    ({"amount__not_in": {1, 2}}, "4578"),
    ({"large__gt": 8 << 40}, "9"),
    ({"price__gte": 2}, "89"),
    ({"ready": True, "color": Color.BLUE}, "68"),
    ({"color": "blue"}, "56789"),
    ({"seen__gte": SEEN + timedelta(hours=8)}, "89"),
    ({"seen": datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))}, "0"),
    ({"name__contains": "ING 4"}, "4"),
    ({"name__starts_with": "Thing"}, "0123456789"),
    ({"name__ends_with": "7"}, "7"),
    ({"name__contains": "%"}, ""),
    ({"name__contains": "_"}, ""),
    ({"exact": Decimal(0), "key": None, "id__lte": 2**31 - 1}, "0123456789"),
]


@pytest.mark.usefixtures("things")
async def test_filters() -> None:
    found = [await _names(Thing.where(**filters).order_by("id")) for filters, _ in FILTERS]
    assert found == [names for _, names in FILTERS]


@pytest.mark.usefixtures("things")
async def test_expressions_and_chains() -> None:
    base = Thing.where(Thing.price > 1, Thing.color == Color.RED)
    narrower = base.where(ready=True)
    assert await _names(base.order_by("id")) == ""
    assert await _names(Thing.where(Thing.price >= 1).order_by("-id").limit(2)) == "98"
    assert await narrower.count() == 0
    assert await _names(Thing.order_by(Thing.price.desc()).limit(2)) == "98"  # type: ignore[attr-defined]
    assert await _names(Thing.order_by("id").offset(7).limit(2)) == "78"
    assert await _names(Thing.where(ready=True).order_by("-amount", "id")) == "84206"
    assert await _names(Thing.where(ready=True).order_by("amount", "-id")) == "24860"
    assert "FROM thing" in repr(base)


@pytest.mark.usefixtures("things")
async def test_one_and_all() -> None:
    query = Thing.where(color="red")
    first = await query.first()
    assert first is not None
    assert first.name == "thing 0"
    assert await query.limit(0).first() is None
    assert await query.count() == 5
    assert await query.limit(2).count() == 5
    assert await query.exists()
    nobody = Thing.where(name="nobody")
    assert not await nobody.exists()
    assert await nobody.first() is None
    assert await nobody.one_or_none() is None
    with pytest.raises(NotFoundError):
        await nobody.one()
    with pytest.raises(MultipleResultsFound):
        await query.one()
    assert (await Thing.where(name="thing 4").one()).amount == 4
    assert await Thing.get(first.id) is first
    assert await Thing.get(999) is None
    with pytest.raises(ValueError, match="several"):
        await Pair.get(1)
    with pytest.raises(ValueError, match="integer"):
        await Thing.get("1 OR 1=1")


@pytest.mark.usefixtures("things")
async def test_a_search_takes_its_term_as_it_is() -> None:
    assert await _names(Thing.search("name", "THING 5")) == "5"
    assert await _names(Thing.search("name", "%")) == ""
    assert await _names(Thing.search("name", "")) == ""
    assert await _names(Thing.search("name", "t" * 101)) == ""
    assert await _names(Thing.search("name", "thing").order_by("id").limit(3)) == "012"
    assert "LIMIT" in str(Thing.search("name", "a").statement())
    assert await _names(Thing.order_by("id").limit(2).search("name", "thing")) == "01"
    with pytest.raises(ValueError, match="no text to search"):
        Thing.search("amount", "1")
    with pytest.raises(ValueError, match="no column"):
        Thing.search("secret", "x")


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"nothing": 1}, "no column `nothing`"),
        ({"secret": "x"}, "no column `secret`"),
        ({"told": "x"}, "no column `told`"),
        ({"inner": 0}, "no column `inner`"),
        ({"unseen": "u"}, "no column `unseen`"),
        ({"secret__contains": "x"}, "no column `secret`"),
        ({"name__like": "x"}, "no such operator"),
        ({"__eq": "x"}, "no column"),
        ({"name; DROP TABLE thing": "x"}, "no column `that name`"),
        ({"amount": "1"}, "no integer"),
        ({"amount": True}, "no integer"),
        ({"amount": 2**31}, "out of range"),
        ({"large": 2**63}, "out of range"),
        ({"amount__gt": None}, "no integer"),
        ({"amount__in": 1}, "list of values"),
        ({"amount__in": "12"}, "list of values"),
        ({"amount__in": ["1"]}, "no integer"),
        ({"amount__in": list(range(1001))}, "more than 1000"),
        ({"amount__is_null": 1}, "null or not"),
        ({"amount__contains": "1"}, "no text to search"),
        ({"name": 1}, "no text"),
        ({"name": "a\0"}, "NUL"),
        ({"name": "\ud800"}, "Unicode"),
        ({"name": "é" * 1001}, "longer"),
        ({"name__contains": "a" * 101}, "at most 100"),
        ({"name": Color.RED}, "no text"),
        ({"price": "1"}, "finite number"),
        ({"price": float("nan")}, "finite number"),
        ({"price": 10**400}, "finite number"),
        ({"exact": 1.5}, "finite decimal"),
        ({"exact": Decimal("NaN")}, "finite decimal"),
        ({"exact": Decimal("1e999999")}, "finite decimal"),
        ({"ready": 1}, "true nor false"),
        ({"ready__gt": True}, "no order"),
        ({"color": "green"}, "none of the choices"),
        ({"color": 3.5}, "none of the choices"),
        ({"seen": datetime(2026, 1, 1)}, "with an offset"),  # noqa: DTZ001  # without an offset is the point
        ({"seen": datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))}, "out of range"),
        ({"local": SEEN}, "without an offset"),
        ({"key": "00000000-0000-0000-0000-000000000000"}, "no UUID"),
        ({"data": "x"}, "bytes"),
        ({"tags": ["a"]}, "cannot be compared"),
        ({"tags__gt": ["a"]}, "no order"),
    ],
)
def test_what_where_refuses(filters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Thing.where(**filters)


@pytest.mark.parametrize(
    "filters",
    [
        {"amount": 2**31},
        {"amount__in": list(range(1001))},
        {"name": "a\0"},
        {"name": "\ud800"},
        {"name__ne": "n" * 1001},
        {"name__contains": "a" * 101},
        {"price": float("inf")},
        {"exact": Decimal("NaN")},
        {"color": "green"},
        {"data": b"x" * 1001},
        {"seen": datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))},
    ],
)
def test_a_value_that_no_row_can_have_is_the_clients_mistake(filters: dict[str, object]) -> None:
    """Code is told the column, clients are not."""
    (name,) = (each.partition("__")[0] for each in filters)
    with pytest.raises(UnfitValueError, match=f"`{name}` ") as caught:
        Thing.where(**filters)
    assert caught.value.status == 400
    assert name not in caught.value.detail
    assert caught.value.detail.startswith("A value is ") or "holds a NUL" in caught.value.detail
    assert f"`{name}`" in caught.value.reason


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("key", [2**31, -(2**31) - 1, 10**30])
async def test_a_key_that_no_row_can_have_is_no_rows(key: int) -> None:
    assert await Thing.get(key) is None


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("key", ["1", True, 1.0])
async def test_a_key_of_another_type_is_a_mistake_in_code(key: object) -> None:
    with pytest.raises(ValueError, match="`id`") as caught:
        await Thing.get(key)
    assert not isinstance(caught.value, UnfitValueError)


def test_values_of_every_kind_are_taken() -> None:
    Thing.where(local=datetime(2026, 1, 1), key=uuid4(), data=b"x", exact=1, price=1, color="red")  # noqa: DTZ001  # without an offset is the point


@pytest.mark.parametrize("given", [True, "1 = 1", None, 1])
def test_a_condition_is_an_expression(given: Any) -> None:
    """`User.where(user.age > 18)`, of an object in place of the class, would mean every row."""
    with pytest.raises(ValueError, match="is an expression"):
        Thing.where(given)


@pytest.mark.parametrize("name", ["secret", "-secret", "inner", "nothing", "--id", "", "id desc"])
def test_what_order_by_refuses(name: str) -> None:
    with pytest.raises(ValueError, match="no column"):
        Thing.order_by(name)
    with pytest.raises(ValueError, match="order by names"):
        Thing.order_by(1)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [-1, 1.5, "1", True, None, 2**63])
def test_what_limit_and_offset_refuse(rows: Any) -> None:
    with pytest.raises(ValueError, match="from 0"):
        Thing.where().limit(rows)
    with pytest.raises(ValueError, match="from 0"):
        Thing.where().offset(rows)


@pytest.mark.usefixtures("things")
async def test_pages_are_the_whole_in_order() -> None:
    for order in ((), ("-amount",), ("amount", "-name"), ("price",), ("-seen",)):
        await _turn_pages(order)


async def _turn_pages(order: tuple[str, ...]) -> None:
    query = Thing.where().order_by(*order)
    whole = [thing.id for thing in await query.order_by(*order, *() if order else ("id",))]
    found: list[int | None] = []
    cursor: str | None = None
    while True:
        page = await query.page(after=cursor, size=3)
        found += [thing.id for thing in page.items]
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == 3
    assert sorted(map(str, found)) == sorted(map(str, whole))
    assert len(found) == len(set(found)) == 10
    if order == ("-amount",):
        assert [(thing or 0) - 1 for thing in found[:3]] == [8, 7, 5]


@pytest.mark.usefixtures("things")
async def test_pages_shift_nothing_when_rows_come() -> None:
    first = await Thing.order_by("name").page(size=4)
    await Thing.create(name="aaa")
    second = await Thing.order_by("name").page(size=4, after=first.next)
    assert [thing.name[-1] for thing in second.items] == ["4", "5", "6", "7"]
    assert first.model_dump()["next"] == first.next


@pytest.mark.usefixtures("things")
async def test_the_size_of_a_page_is_capped() -> None:
    for number in range(15):
        await Thing.create(name=f"more {number}")
    assert len((await Thing.where().page(size=10_000)).items) == 20
    assert len((await Thing.where().page()).items) == 20
    assert len(await Thing.from_client()) == 20
    assert len(await Thing.from_client().limit(3)) == 3
    assert len((await Thing.from_client().page(size=2)).items) == 2


@pytest.mark.parametrize("size", [0, -1, True, "5", 1.5])
async def test_what_is_no_size(size: Any) -> None:
    with pytest.raises(ValidationError):
        await Thing.where().page(size=size)


async def test_pages_need_an_order_by_names() -> None:
    with pytest.raises(ValueError, match="not by expressions"):
        await Thing.order_by(Thing.price.desc()).page()  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="leave limit"):
        await Thing.where().limit(3).page()


async def test_pages_by_a_column_without_values_to_compare(models: ModelDatabase) -> None:
    async with models.open():
        for number in range(2):
            await Thing.create(name=f"{number}")
        with pytest.raises(ValueError, match="no order"):
            Thing.order_by("tags")


@pytest.mark.usefixtures("things")
async def test_clients_filter_and_sort_by_what_is_declared() -> None:
    found = Thing.from_client({"amount__gte": "2", "color": "red", "after": "x"}, "-amount")
    assert await _names(found) == "42"
    assert await _names(Thing.from_client({"amount__in": "1,4"}, ["name"])) == "14"
    assert await _names(Thing.from_client([("amount__is_null", "true")], "name")) == "0369"
    assert await _names(Thing.where(ready=True).from_client({"price__gt": "1.9"})) == "8"
    assert await _names(Thing.from_client({"amount__in": [1, 2]}, "name,-amount")) == "12"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"secret": "x"}, "no such filter"),
        ({"large": "1"}, "no such filter"),
        ({"nothing__gt": "1"}, "no such filter"),
        ({"name__lt": "1"}, "no such operator"),
        ({"price__in": "1"}, "no such operator"),
        ({"amount": "1 OR 1=1"}, "valid integer"),
        ({"amount": True}, "truth value"),
        ({"amount": None}, "one value"),
        ({"amount": ["1"]}, "one value"),
        ({"amount__in": 5}, "separated by commas"),
        ({"amount__in": ",".join("1" * 101)}, "up to 100"),
        ({"amount__is_null": "maybe"}, "boolean"),
        ({"ready": "perhaps"}, "boolean"),
        ({"seen__gte": "2026-01-01T00:00:00"}, "with an offset"),
        ({"key": "nonsense"}, "UUID"),
        ([("amount", "1"), ("amount", "2")], "more than once"),
        ([(f"n{number}", "1") for number in range(25)], "more than 20"),
    ],
)
def test_what_clients_may_not(filters: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Thing.from_client(filters)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("sort", "message"),
    [
        ("secret", "Sort by amount, name, price, seen"),
        ("id", "Sort by"),
        ("name,-name", "named twice"),
        ("name,price,amount,seen,id,large", "more than 5"),
        ("(SELECT 1)", "Sort by"),
    ],
)
def test_what_clients_may_not_sort_by(sort: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Thing.from_client({}, sort)
    assert message in str(caught.value)


@pytest.mark.parametrize("sort", [["name", None], [{}], [["name"]], {"name": 1}, 5, None, b"name"])
def test_an_order_that_is_no_text_is_refused(sort):
    """As a body of JSON may hold it, where a handler passes it on."""
    with pytest.raises(ValidationError):
        Thing.from_client({}, sort)


def test_repeated_parameters_of_a_request_are_seen() -> None:
    from starlette.datastructures import QueryParams

    with pytest.raises(ValidationError, match="more than once"):
        Thing.from_client(QueryParams("amount=1&amount=2"))


def test_where_nothing_is_declared_clients_may_nothing() -> None:
    for given in ({"left": "1"}, {"left__gt": "1"}):
        with pytest.raises(ValidationError, match="there are nothing"):
            Pair.from_client(given)
    with pytest.raises(ValidationError, match="Sort by nothing"):
        Pair.from_client({}, "left")


@pytest.mark.usefixtures("things")
async def test_many_rows_are_changed_by_their_conditions() -> None:
    assert await Thing.where(color="red").update({"ready": True}, amount=7) == 5
    assert await Thing.where(amount=7, ready=True).count() == 5
    with pytest.raises(ValidationError, match="no stars"):
        await Thing.where(color="red").update(name="*")
    assert await Thing.where(color="red").delete() == 5
    assert await Thing.where().count() == 5
    for refused in (Thing.where(), Thing.where(color="blue").limit(1), Thing.from_client()):
        with pytest.raises(ValueError, match=r"every row|by their conditions"):
            await refused.delete()
        with pytest.raises(ValueError, match=r"every row|by their conditions"):
            await refused.update(amount=1)
    assert await Thing.where(true()).delete() == 5


def test_declarations_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    def declared(**names: Any) -> Any:
        for name, value in names.items():
            monkeypatch.setattr(Thing, name, value)
        return _columns_of.__wrapped__(Thing)

    for wrong, message in (
        ({"__writable__": {"nothing"}}, "no column"),
        ({"__sortable__": {"secret"}}, "sensitive"),
        ({"__filterable__": {"tags"}}, "cannot be compared"),
        ({"__filterable__": {"ready": {"gt"}}}, "the operator `gt`"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            declared(**wrong)
        monkeypatch.undo()
    assert declared(__filterable__={"amount"}).filterable["amount"] >= {"is_null"}
    assert "contains" not in declared(__filterable__={"name"}).filterable["name"]
    assert columns_of(Account).version is not None


def test_kinds_that_no_model_here_has() -> None:
    from sqlalchemy import Date, Enum, Interval, SmallInteger, Time

    from zenith.query.values import kind_of

    for sql_type, good, bad in (
        (Date(), date(2026, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001  # without an offset is the point
        (Time(), time(1), time(1, tzinfo=UTC)),
        (Interval(), timedelta(days=1), timedelta(days=500_000)),
        (SmallInteger(), 2**15 - 1, 2**15),
    ):
        kind = kind_of(sql_type)
        assert kind is not None
        assert kind.check(good) == good
        with pytest.raises(ValueError, match="is "):
            kind.check(bad)
    assert kind_of(Enum("a", "b")) is None
    column = columns_of(Thing).by_name["key"]
    assert compare(column, "eq", UUID(int=1)) is not None
