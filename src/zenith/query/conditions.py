"""Conditions out of names and values: `age__gte=18` as SQL, with every value bound."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, false
from sqlmodel import SQLModel

from zenith.kernel.errors import BadRequestError
from zenith.query.columns import Column, Columns, unknown
from zenith.query.errors import UnfitValueError

MAX_VALUES: Final = 1000
"""Values of `in`."""
MAX_TERM: Final = 100
"""Characters of a text that is searched for."""
ESCAPE: Final = "/"


def condition(columns: Columns, name: str, value: object) -> ColumnElement[bool]:
    """What `name=value` asks for: a column, or a column and an operator behind two underscores.

    Raises ValueError for names of no open column, unknown operators, and values that are none of
    the column's. The value itself is in no message.
    """
    column, operator = split(columns, name)
    return compare(column, operator, value)


def split(columns: Columns, name: str) -> tuple[Column, str]:
    """The column and the operator in `name`."""
    column = columns.by_name.get(name)
    if column is not None and column.exposure == "open":
        return column, "eq"
    head, _, operator = name.rpartition("__")
    if not head:
        raise unknown(columns.model, name)
    column = columns.named(head)
    if operator not in OPERATORS:
        choices = ", ".join(OPERATORS)
        raise ValueError(f"`{column.name}` has no such operator; there are {choices}")
    return column, operator


def compare(column: Column, operator: str, value: object) -> ColumnElement[bool]:
    """One comparison. What is compared with nothing (NULL) is not true, as in SQL."""
    try:
        return OPERATORS[operator](column, value)
    except UnfitValueError as error:
        raise UnfitValueError(error.problem, column=column.name) from None
    except BadRequestError as error:
        # The column's own type takes no such value.
        problem = error.detail.removeprefix("A value ")
        raise UnfitValueError(problem, column=column.name) from None
    except ValueError as error:
        raise ValueError(f"`{column.name}` {error}") from None


def contains(column: Column, term: str) -> ColumnElement[bool]:
    """Rows whose text contains `term`, in whatever case; none where it is empty, too long or no
    text. ValueError for a column of another kind.

    Threat: `%` and `_` in the term, which match everything or make the database try every way to
    match (ASVS 1.2.4).
    """
    _check_text(column)
    try:
        text = str(column.check(term))
    except ValueError:
        return false()
    return _like(column, f"%{_literal(text)}%") if 0 < len(text) <= MAX_TERM else false()


def _equal(column: Column, value: object) -> ColumnElement[bool]:
    if value is None:
        return column.attribute.is_(None)
    return column.attribute == column.check(value)


def _unequal(column: Column, value: object) -> ColumnElement[bool]:
    if value is None:
        return column.attribute.is_not(None)
    return column.attribute != column.check(value)


def _values(column: Column, values: object) -> list[object]:
    if not isinstance(values, Collection) or isinstance(values, str | bytes | Mapping):
        raise ValueError("is to be in a list of values")  # noqa: TRY004  # a refusal is always a ValueError
    several = cast("Collection[object]", values)
    if len(several) > MAX_VALUES:
        raise UnfitValueError(f"is to be in more than {MAX_VALUES} values")
    return [column.check(value) for value in several]


def _in(column: Column, value: object) -> ColumnElement[bool]:
    return column.attribute.in_(_values(column, value))


def _not_in(column: Column, value: object) -> ColumnElement[bool]:
    return column.attribute.not_in(_values(column, value))


def _is_null(column: Column, value: object) -> ColumnElement[bool]:
    if not isinstance(value, bool):
        raise ValueError("is null or not: true or false")  # noqa: TRY004  # a refusal is always a ValueError
    return column.attribute.is_(None) if value else column.attribute.is_not(None)


def _ordered(
    build: Callable[[Any, object], ColumnElement[bool]],
) -> Callable[[Column, object], ColumnElement[bool]]:
    def compare_in_order(column: Column, value: object) -> ColumnElement[bool]:
        if column.kind is None or "gt" not in column.kind.operators:
            raise ValueError("has no order")
        return build(column.attribute, column.check(value))

    return compare_in_order


def _matching(before: str, after: str) -> Callable[[Column, object], ColumnElement[bool]]:
    def match(column: Column, value: object) -> ColumnElement[bool]:
        _check_text(column)
        text = str(column.check(value))
        if len(text) > MAX_TERM:
            raise UnfitValueError(f"is matched with at most {MAX_TERM} characters")
        return _like(column, f"{before}{_literal(text)}{after}")

    return match


def _check_text(column: Column) -> None:
    if column.kind is None or "contains" not in column.kind.operators:
        raise ValueError("holds no text to search in")


def _literal(term: str) -> str:
    for special in (ESCAPE, "%", "_"):
        term = term.replace(special, ESCAPE + special)
    return term


def _like(column: Column, pattern: str) -> ColumnElement[bool]:
    return column.attribute.ilike(pattern, escape=ESCAPE)


OPERATORS: Final[Mapping[str, Callable[[Column, object], ColumnElement[bool]]]] = {
    "eq": _equal,
    "ne": _unequal,
    "gt": _ordered(lambda column, value: column > value),
    "gte": _ordered(lambda column, value: column >= value),
    "lt": _ordered(lambda column, value: column < value),
    "lte": _ordered(lambda column, value: column <= value),
    "in": _in,
    "not_in": _not_in,
    "is_null": _is_null,
    "contains": _matching("%", "%"),
    "starts_with": _matching("", "%"),
    "ends_with": _matching("%", ""),
}


def checked_condition(model: type[SQLModel], given: object) -> ColumnElement[bool]:
    """`given` if it is an expression. Raises ValueError for text, which would be SQL, and for
    `True`, which is what a comparison of two Python values gives: every row.
    """
    if isinstance(given, ColumnElement):
        return cast("ColumnElement[bool]", given)
    raise ValueError(
        f"a condition on {model.__name__} is an expression such as {model.__name__}.id == 1, not "
        f"{type(given).__name__}"
    )
