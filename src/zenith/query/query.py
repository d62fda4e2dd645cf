"""Queries: made of names and values, changed by making new ones, run by awaiting them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar, cast

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Delete, Update, delete, func, literal, update
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from zenith.kernel.errors import NotFoundError
from zenith.query.client import parse_filters, parse_sort
from zenith.query.columns import Columns, columns_of
from zenith.query.conditions import checked_condition, condition, contains
from zenith.query.errors import fault, invalid
from zenith.query.order import Term, after, decode, encode, paged, total
from zenith.query.session import operation
from zenith.query.writing import checked_changes

if TYPE_CHECKING:
    from zenith.query.model import ZenithModel

P = TypeVar("P")
M = TypeVar("M", bound="ZenithModel")
Condition: TypeAlias = ColumnElement[bool] | bool
"""An expression such as `User.age > 18`, which type checkers take for a bool."""
Ordering: TypeAlias = Term | ColumnElement[Any]
SEARCHED: Final = 50
"""Rows that a search finds at most, unless a limit says otherwise."""
PAGE: Final = 50
"""Rows of a page whose size nobody gives."""
BESIDE: Final = ("sort", "after", "size")
"""Parameters of a request that are no filters."""


class Page(BaseModel, Generic[P]):
    """Some rows, and where the next ones begin."""

    items: list[P]
    next: str | None = None
    """The cursor to give to `after`; None on the last page."""


class Query(Generic[M]):
    """Rows of one model. Every method gives a new query and leaves this one as it is.

    Awaited, it gives all of its rows: `await User.where(active=True).limit(10)`.

    Threat: SQL injection (ASVS 1.2.4): values are always bound, names are looked up among the
    model's open columns, and nothing takes SQL as text.
    """

    __slots__ = ("_capped", "_conditions", "_limit", "_model", "_offset", "_order")

    def __init__(
        self,
        model: type[M],
        conditions: tuple[ColumnElement[bool], ...] = (),
        order: tuple[Ordering, ...] = (),
        limit: int | None = None,
        offset: int | None = None,
        capped: bool = False,
    ) -> None:
        self._model: Final = model
        self._conditions: Final = conditions
        self._order: Final = order
        self._limit: Final = limit
        self._offset: Final = offset
        self._capped: Final = capped

    def __repr__(self) -> str:
        return f"<Query of {self._model.__name__}: {self.statement()}>"

    def where(self, /, *conditions: Condition, **filters: object) -> Self:
        """Rows that meet all of `conditions`, expressions such as `User.age > 18`, and `filters`:
        `email="..."`, or with an operator `age__gte=18` (ne, gt, gte, lt, lte, in, not_in, is_null,
        contains, starts_with, ends_with; the last three in whatever case).

        Names of filters may come from outside: ValueError for unknown, hidden and sensitive
        columns, and for values of another type than the column's. Expressions are code's own.
        """
        columns = columns_of(self._model)
        made = [checked_condition(self._model, each) for each in conditions]
        made += [condition(columns, name, value) for name, value in filters.items()]
        return self._with(conditions=made)

    def search(self, name: str, term: str) -> Self:
        """Rows whose column `name` contains `term`, in whatever case; at most 50 unless a limit
        says otherwise, none where the term is empty or longer than 100 characters.
        """
        column = columns_of(self._model).named(name)
        limit = SEARCHED if self._limit is None else self._limit
        return self._with(conditions=[contains(column, term)], limit=limit)

    def order_by(self, *names: str | ColumnElement[Any]) -> Self:
        """In the order of these columns, `-name` for the greatest first; rows without a value come
        last. ValueError for unknown, hidden and sensitive columns. Code may give expressions.
        """
        columns = columns_of(self._model)
        order = [
            Term.parse(columns, name) if isinstance(name, str) else _expression(name)
            for name in names
        ]
        return self._with(order=order)

    def limit(self, rows: int) -> Self:
        """At most so many rows; ValueError for anything but a number from 0."""
        return self._with(limit=_count(rows, "limit"))

    def offset(self, rows: int) -> Self:
        """Without the first so many; `page` is faster, and skips nothing when rows come or go."""
        return self._with(offset=_count(rows, "offset"))

    def from_client(
        self,
        filters: Mapping[str, object] | Iterable[tuple[str, object]] = (),
        sort: str | Sequence[str] = "",
        *,
        beside: Sequence[str] = BESIDE,
    ) -> Self:
        """As the client wants: `filters` as in `where`, but only what the model's `__filterable__`
        names, and an order of `__sortable__` columns (`-created_at,name`). Give it
        `request.query_params`; parameters named in `beside` are no filters.

        Raises ValidationError (422), which lists every fault. Never more than the model's
        `__max_page_size__` rows.
        """
        columns = columns_of(self._model)
        return self._with(
            conditions=parse_filters(columns, filters, set(beside)),
            order=parse_sort(columns, sort),
            capped=True,
        )

    # Reading -------------------------------------------------------------------------------------

    def statement(self) -> SelectOfScalar[M]:
        """The SELECT, for whoever needs more: `session.exec(query.statement())`."""
        statement = select(self._model)
        if self._conditions:
            statement = statement.where(*self._conditions)
        if self._order:
            statement = statement.order_by(*map(_ordering, self._order))
        limit = self._limit
        if self._capped:
            cap = self._model.__max_page_size__
            limit = cap if limit is None else min(limit, cap)
        if limit is not None:
            statement = statement.limit(limit)
        if self._offset is not None:
            statement = statement.offset(self._offset)
        return statement

    def __await__(self) -> Generator[Any, Any, list[M]]:
        return self.all().__await__()

    async def all(self) -> list[M]:
        """Every row."""
        async with operation() as session:
            return list((await session.exec(self.statement())).all())

    async def first(self) -> M | None:
        """The first row, or None. Without an order, the one with the smallest key."""
        order = self._order or total(columns_of(self._model), ())
        query = self._with(order=order)
        rows = await query.limit(min(1, 1 if self._limit is None else self._limit)).all()
        return rows[0] if rows else None

    async def one_or_none(self) -> M | None:
        """The only row, or None. MultipleResultsFound if there are more: a mistake in code."""
        rows = await self.limit(min(2, 2 if self._limit is None else self._limit)).all()
        if len(rows) > 1:
            raise MultipleResultsFound(f"more than one {self._model.__name__} meets the conditions")
        return rows[0] if rows else None

    async def one(self) -> M:
        """The only row. NotFoundError (404) if there is none."""
        row = await self.one_or_none()
        if row is None:
            raise NotFoundError(reason=f"no such {self._model.__name__}")
        return row

    async def count(self) -> int:
        """How many rows there are, a limit and an offset aside."""
        keys = columns_of(self._model).keys
        statement = select(func.count(keys[0].attribute)).where(*self._conditions)
        async with operation() as session:
            return (await session.exec(statement)).one()

    async def exists(self) -> bool:
        """Whether there is a row."""
        statement = select(literal(1)).select_from(self._model).where(*self._conditions).limit(1)
        async with operation() as session:
            return (await session.exec(statement)).first() is not None

    async def page(self, *, after: str | None = None, size: int | None = None) -> Page[M]:
        """The rows behind the cursor `after` (the first ones without), `size` of them, never more
        than the model's `__max_page_size__`.

        Costs the same on the thousandth page as on the first; rows that come or go meanwhile shift
        nothing. Raises ValidationError (422) for a cursor that is none, or of another order, and
        for a size below 1; ValueError where the order has expressions, or where the key is hidden
        and nothing that the order names is unique.
        """
        columns = columns_of(self._model)
        terms = paged(columns, self._named_order())
        rows = _page_size(size, self._model.__max_page_size__)
        behind = [_behind(columns, terms, after, self._conditions)] if after else ()
        query = self._with(conditions=behind, order=terms, limit=rows + 1, capped=False)
        found = await query.all()
        more = len(found) > rows
        cursor = encode(columns, terms, found[rows - 1]) if more else None
        return cast("Page[M]", Page.model_construct(items=found[:rows], next=cursor))

    # Writing -------------------------------------------------------------------------------------

    async def update(self, own: Mapping[str, object] | None = None, /, **data: object) -> int:
        """Change all of these rows in one statement; how many they were. `data` is anybody's and
        names writable columns only; what code itself decides goes into `own`.

        Raises ValidationError for other columns and values that do not fit, ValueError where the
        query has no condition, or a limit, which no UPDATE knows.
        """
        columns = columns_of(self._model)
        changes = checked_changes(columns, own, data)
        if columns.version is not None:
            changes[columns.version.name] = columns.version.attribute + 1
        return await self._change(update(self._model).values(changes))

    async def delete(self) -> int:
        """Delete all of these rows in one statement; how many they were. Raises ValueError where
        the query has no condition, or a limit.
        """
        return await self._change(delete(self._model))

    async def _change(self, statement: Update | Delete) -> int:
        if not self._conditions:
            raise ValueError("this would change every row; if so, say where(sqlalchemy.true())")
        if self._limit is not None or self._offset is not None or self._capped:
            raise ValueError("rows are changed by their conditions, without limit or offset")
        async with operation() as session:
            result = await session.exec(statement.where(*self._conditions))
            return int(result.rowcount)

    def _with(
        self,
        *,
        conditions: Sequence[ColumnElement[bool]] = (),
        order: Sequence[Ordering] = (),
        limit: int | None = None,
        offset: int | None = None,
        capped: bool | None = None,
    ) -> Self:
        """Another query: with more conditions, and in place of what is given."""
        return type(self)(
            self._model,
            (*self._conditions, *conditions),
            tuple(order) or self._order,
            self._limit if limit is None else limit,
            self._offset if offset is None else offset,
            self._capped if capped is None else capped,
        )

    def _named_order(self) -> tuple[Term, ...]:
        if self._limit is not None or self._offset is not None:
            raise ValueError("pages have a size; leave limit and offset out")
        terms = tuple(each for each in self._order if isinstance(each, Term))
        if len(terms) < len(self._order):
            raise ValueError("pages are ordered by names of columns, not by expressions")
        return terms


def _ordering(each: Ordering) -> ColumnElement[Any]:
    return each.expression() if isinstance(each, Term) else each


def _expression(given: object) -> ColumnElement[Any]:
    if isinstance(given, ColumnElement | InstrumentedAttribute):
        return cast("ColumnElement[Any]", given)
    raise ValueError("order by names of columns, or by expressions such as User.age.desc()")


def _count(rows: object, what: str) -> int:
    if isinstance(rows, int) and not isinstance(rows, bool) and 0 <= rows < 1 << 63:
        return rows
    raise ValueError(f"{what} is a number from 0")


def _page_size(size: object, cap: int) -> int:
    if size is None:
        return min(PAGE, cap)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise invalid([fault("query", "size", "A page has at least one row", kind="query")])
    return min(size, cap)


def _behind(
    columns: Columns,
    terms: Sequence[Term],
    cursor: object,
    conditions: Sequence[ColumnElement[bool]],
) -> ColumnElement[bool]:
    try:
        if not isinstance(cursor, str):
            raise ValueError("is no cursor")  # noqa: TRY004, TRY301  # a refusal is always a ValueError
        return after(terms, decode(columns, terms, cursor), conditions)
    except ValueError as error:
        raise invalid([fault("query", "after", f"It {error}", kind="query")]) from None
