"""What clients may ask for: filters and an order, out of the parameters of their request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError
from sqlalchemy import ColumnElement

from zenith.query.columns import Column, Columns
from zenith.query.conditions import compare
from zenith.query.errors import fault, invalid
from zenith.query.order import Term

MAX_FILTERS: Final = 20
MAX_TERMS: Final = 5
MAX_LIST: Final = 100
"""Values of one `in`."""
_BOOL: Final = TypeAdapter(bool)


def parse_filters(
    columns: Columns, filters: Mapping[str, object] | Iterable[tuple[str, object]], leave: set[str]
) -> list[ColumnElement[bool]]:
    """The conditions of `filters`; raises ValidationError with every fault.

    Threat: filters on columns that are not shown, which tell their content bit by bit (OWASP API3);
    operators that make the database read whole tables; a parameter given twice, of which the
    proxy before and the application read different ones (ASVS 15.3.7).
    """
    faults: list[dict[str, Any]] = []
    found: list[ColumnElement[bool]] = []
    seen: set[str] = set()
    for name, value in _pairs(filters):
        if name in leave and name not in columns.filterable:
            continue
        if len(seen) >= MAX_FILTERS:
            faults.append(_fault("filters", f"There are more than {MAX_FILTERS} filters"))
            break
        if name in seen:
            faults.append(_fault(name, "Given more than once"))
            continue
        seen.add(name)
        try:
            found.append(_condition(columns, name, value))
        except ValueError as error:
            faults.append(_fault(name, str(error)))
    if faults:
        raise invalid(faults, reason="a filter that is not allowed")
    return found


def parse_sort(columns: Columns, sort: str | Sequence[str]) -> list[Term]:
    """The order that `sort` names: `-created_at,name`; raises ValidationError for columns that the
    model does not let clients sort by.
    """
    # Annotations bind nobody who sends JSON.
    given: Any = [name for name in sort.split(",") if name] if isinstance(sort, str) else sort
    names: Sequence[Any] = given
    terms: list[Term] = []
    faults: list[dict[str, Any]] = []
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in names):
        faults.append(_fault("sort", "Name columns to sort by"))
        names = ()
    elif len(names) > MAX_TERMS:
        faults.append(_fault("sort", f"There are more than {MAX_TERMS} columns to sort by"))
        names = ()
    for name in names:
        plain = name.removeprefix("-")
        if plain not in columns.sortable:
            choices = ", ".join(sorted(columns.sortable)) or "nothing"
            faults.append(_fault("sort", f"Sort by {choices}"))
        elif any(term.column.name == plain for term in terms):
            faults.append(_fault("sort", f"`{plain}` is named twice"))
        else:
            terms.append(Term.parse(columns, name))
    if faults:
        raise invalid(faults, reason="an order that is not allowed")
    return terms


def _pairs(
    filters: Mapping[str, object] | Iterable[tuple[str, object]],
) -> Iterable[tuple[str, object]]:
    # Query parameters of a request are a mapping that hides repetitions.
    every: Any = getattr(filters, "multi_items", None)
    if every is not None:
        return cast("Iterable[tuple[str, object]]", every())
    if isinstance(filters, Mapping):
        return cast("Mapping[str, object]", filters).items()
    return filters


def _condition(columns: Columns, name: str, value: object) -> ColumnElement[bool]:
    head, operator = name, "eq"
    if name not in columns.filterable:
        head, _, operator = name.rpartition("__")
    allowed = columns.filterable.get(head)
    if allowed is None:
        choices = ", ".join(sorted(columns.filterable)) or "nothing"
        raise ValueError(f"There is no such filter; there are {choices}")
    if operator not in allowed:
        choices = ", ".join(sorted(allowed))
        raise ValueError(f"There is no such operator; there are {choices}")
    column = columns.by_name[head]
    return compare(column, operator, _value(column, operator, value))


def _value(column: Column, operator: str, value: object) -> object:
    if operator == "is_null":
        return _read(_BOOL, column.name, value)
    if operator not in ("in", "not_in"):
        return _scalar(column, value)
    values: object = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ValueError(f"`{column.name}` takes values that are separated by commas")  # noqa: TRY004  # a refusal is always a ValueError
    several = cast("Sequence[object]", values)
    if len(several) > MAX_LIST:
        raise ValueError(f"`{column.name}` takes up to {MAX_LIST} values")
    return [_scalar(column, each) for each in several]


def _scalar(column: Column, value: object) -> object:
    kind = column.kind
    if kind is None or value is None or isinstance(value, list | tuple | dict | set):
        raise ValueError(f"`{column.name}` takes one value")
    if isinstance(value, bool) and "gt" in kind.operators:
        raise ValueError(f"`{column.name}` takes no truth value")
    if "contains" in kind.operators:
        return value
    return _read(kind.reader, column.name, value)


def _read(reader: TypeAdapter[Any], name: str, value: object) -> object:
    try:
        return reader.validate_python(value)
    except PydanticError as error:
        message = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ValueError(f"`{name}`: {message['msg']}") from None


def _fault(name: str, message: str) -> dict[str, Any]:
    return fault("query", name, message, kind="query")
