"""Order of rows, and cursors: where in that order a page ended."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.sql.expression import UnaryExpression
from sqlmodel import SQLModel

from zenith.kernel.records import dataclass
from zenith.query.columns import Column, Columns
from zenith.query.values import MATCH, MAX_TEXT

MAX_CURSOR: Final = 32 * 1024
"""Characters of a cursor."""


@dataclass(frozen=True, slots=True)
class Term:
    """One column to order by. Rows without a value come last, whichever the direction."""

    column: Column
    descending: bool

    @classmethod
    def parse(cls, columns: Columns, name: str) -> Term:
        """`created_at`, or `-created_at` for the greatest first; raises ValueError for others."""
        descending = name.startswith("-")
        column = columns.named(name[1:] if descending else name)
        if column.kind is None or not column.kind.has_order:
            raise ValueError(f"`{column.name}` has no order")
        return cls(column, descending)

    def expression(self) -> UnaryExpression[Any]:
        """For ORDER BY."""
        attribute = self.column.attribute
        ordered = attribute.desc() if self.descending else attribute.asc()
        return ordered.nulls_last() if self.column.nullable else ordered

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column.name}"


def total(columns: Columns, terms: Sequence[Term]) -> tuple[Term, ...]:
    """`terms` followed by the primary key, so that no two rows are equal in order."""
    named = {term.column.name for term in terms}
    descending = bool(terms) and terms[-1].descending
    return (*terms, *(Term(key, descending) for key in columns.keys if key.name not in named))


def paged(columns: Columns, terms: Sequence[Term]) -> tuple[Term, ...]:
    """The same for pages, whose cursors show the values of the order.

    Threat: a key that clients are to know nothing of, in every cursor. Raises ValueError where the
    key is hidden and nothing else in the order is unique.
    """
    if all(key.is_open for key in columns.keys):
        return total(columns, terms)
    if any(_is_unique(term.column) for term in terms):
        return tuple(terms)
    raise ValueError(
        f"the key of {columns.model.__name__} is hidden, and a cursor would show it: order by a "
        "column that is unique"
    )


def _is_unique(column: Column) -> bool:
    unique: bool = not column.nullable and column.attribute.property.columns[0].unique is True
    return unique


def after(
    terms: Sequence[Term],
    values: Sequence[object],
    conditions: Sequence[ColumnElement[bool]] = (),
) -> ColumnElement[bool]:
    """The rows behind the one with these `values` in the order of `terms`, among those that meet
    the query's `conditions`.

    Of a long text the cursor has the beginning only. What begins alike is in the order of the rest,
    so that is read from the row that the cursor names; whoever went by the beginning would skip
    rows. Where the row is gone or changed, the page begins where the texts begin that begin alike:
    rows come twice, and none is left out.

    Threat: a cursor that names a row which its query does not see, to learn how its text goes on.
    """
    condition: ColumnElement[bool] = false()
    for term, value in zip(reversed(terms), reversed(values), strict=True):
        attribute = term.column.attribute
        if value is None:
            condition = and_(attribute.is_(None), condition)
            continue
        bound: Any = value
        beyond = _beyond(term, value)
        if _is_cut(terms, term, value):
            begins_alike = func.substr(attribute, 1, MAX_TEXT) == value
            wanted = [*conditions, *_identity(terms, values), begins_alike]
            bound = select(attribute).where(*wanted).correlate(None).scalar_subquery()
            again = and_(bound.is_(None), or_(beyond, begins_alike))
            beyond = or_(_beyond(term, bound), again)
        if term.column.nullable:
            beyond = or_(beyond, attribute.is_(None))
        condition = or_(beyond, and_(attribute == bound, condition))
    return condition


def _is_cut(terms: Sequence[Term], term: Term, value: object) -> bool:
    return isinstance(value, str) and len(value) >= MAX_TEXT and not _identifies(terms, term)


def _beyond(term: Term, value: Any) -> ColumnElement[bool]:
    attribute = term.column.attribute
    beyond: ColumnElement[bool] = attribute < value if term.descending else attribute > value
    return beyond


def _identity(terms: Sequence[Term], values: Sequence[object]) -> list[ColumnElement[bool]]:
    return [
        term.column.attribute == value
        for term, value in zip(terms, values, strict=True)
        if _identifies(terms, term)
    ]


def _identifies(terms: Sequence[Term], term: Term) -> bool:
    """Whether it is of what tells rows apart: the key, or the unique column in its place."""
    if any(each.column.is_key for each in terms):
        return term.column.is_key
    return term == next((each for each in terms if _is_unique(each.column)), None)


def encode(columns: Columns, terms: Sequence[Term], row: SQLModel) -> str:
    """The cursor that says: the page ended with `row`. It holds that row's values in the columns of
    the order, which the client has been shown, and is neither secret nor signed: whatever a client
    writes into it, it only moves along the rows that its query may see.
    """
    values = [
        _written(term.column, getattr(row, term.column.name), whole=_identifies(terms, term))
        for term in terms
    ]
    parts = [_signature(columns, terms), *values]
    content = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode(columns: Columns, terms: Sequence[Term], cursor: str) -> list[object]:
    """The values in `cursor`; raises ValueError if it is none, or belongs to another order."""
    if len(cursor) > MAX_CURSOR or not cursor.isascii():
        raise ValueError("is no cursor")
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        content: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise ValueError("is no cursor") from None
    if not isinstance(content, list):
        raise ValueError("is no cursor")  # noqa: TRY004  # a refusal is always a ValueError
    signature, *values = cast("list[object]", content or [None])
    if signature != _signature(columns, terms) or len(values) != len(terms):
        raise ValueError("belongs to another order")
    return [
        _read(term.column, value, whole=_identifies(terms, term))
        for term, value in zip(terms, values, strict=True)
    ]


def _signature(columns: Columns, terms: Sequence[Term]) -> str:
    order = f"{columns.model.__name__}:{','.join(map(str, terms))}"
    return hashlib.sha256(order.encode()).hexdigest()[:8]


def _written(column: Column, value: object, *, whole: bool) -> object:
    kind = column.kind
    if kind is None:
        raise ValueError(f"`{column.name}` gives no pages")
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is None and kind.has_offset:
        value = value.replace(tzinfo=UTC)  # SQLite keeps none
    if isinstance(value, str) and kind.operators >= MATCH:
        if whole:
            return value
        value = value[:MAX_TEXT]  # nobody's long title ends the list for all others
    return kind.reader.dump_python(kind.check(value), mode="json")


def _read(column: Column, value: object, *, whole: bool) -> object:
    if value is None:
        if column.nullable:
            return None
        raise ValueError("is no cursor")
    if column.kind is None or isinstance(value, list | dict):
        raise ValueError("is no cursor")
    try:
        if whole and isinstance(value, str) and column.kind.operators >= MATCH:
            for start in range(0, len(value), MAX_TEXT):
                column.kind.check(value[start : start + MAX_TEXT])
            return value
        return column.kind.check(column.kind.reader.validate_python(value))
    except ValueError:
        raise ValueError("is no cursor") from None
