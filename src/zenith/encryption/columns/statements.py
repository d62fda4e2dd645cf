"""What a statement does with encrypted columns: looked at once, when it has become SQL.

A column's own operators are refused where they are written (see `Comparison`). Here is found what
goes past them: functions, ORDER BY, GROUP BY, DISTINCT, comparisons that begin with something else,
and SQL that is written into an encrypted column as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    Case,
    Cast,
    ColumnClause,
    CompoundSelect,
    Delete,
    Exists,
    Function,
    Insert,
    Label,
    Null,
    ScalarSelect,
    Select,
    TextClause,
    TextualSelect,
    TypeCoerce,
    Update,
    event,
)
from sqlalchemy.engine import Engine
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, Grouping
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import is_, is_not
from sqlalchemy.sql.selectable import ForUpdateArg
from sqlalchemy.types import NullType

from zenith.encryption.columns.errors import EncryptedColumnError
from zenith.encryption.columns.rows import RowBound

LOOKED_AT: Final = "_zenith_encrypted_columns"
DISTINCT: Final = (
    "is encrypted differently each time, so equal values would stay apart: select the primary key"
    " of its table as well, or leave them out in the program"
)
ELSEWHERE: Final = "would be where it does not open: read the value, and write it"
EXPRESSION: Final = (
    "is encrypted, and what SQL computes would be stored as it is: pass the value itself"
)
OTHER_ROW: Final = "is bound to its row and would not open in another: read the row, and add a copy"
TOLD: Final = (
    "is encrypted, so the database cannot sort, group, compare or compute by it: compare the column"
    " itself by ==, != or in_(), which takes a blind index, and do all else in the program"
)


class BlindTag(Function[str]):
    """The blind index in a column, which may be compared."""

    inherit_cache = True


class StoredValue(BindParameter[Any]):
    """A value of an encrypted column that is written as it is, since it is encrypted already."""

    inherit_cache = True


@functools.cache
def watch_statements() -> None:
    """Look at what engines send, once there is an encrypted column."""
    event.listen(Engine, "before_cursor_execute", _look, retval=True)


def _look(
    connection: object, cursor: object, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    del connection, cursor, many
    compiled = context and context.compiled
    # Compiled statements are kept and used again: each is gone through once.
    if compiled is not None and LOOKED_AT not in compiled.__dict__:
        if isinstance(compiled, SQLCompiler):
            state: Any = compiled.compile_state
            check(compiled.statement if state is None else state.statement)
        setattr(compiled, LOOKED_AT, True)
    return statement, parameters


def check(statement: Any) -> None:
    """Raise EncryptedColumnError if a statement would take what is encrypted for the value.

    Threat: an answer that is wrong without a word, such as "no such row" from a list of what is
    blocked, or a plain text in the database (ASVS 11.3.2).
    """
    waiting: list[Any] = [statement]
    seen: set[int] = set()
    while waiting:
        element = waiting.pop()
        if id(element) not in seen:
            seen.add(id(element))
            parts = list(_parts(element))
            _rule_for(element.__class__)(element, parts)
            _refuse_all(getattr(element, "_where_criteria", ()))
            waiting += parts


@functools.cache
def _rule_for(kind: Any) -> _Rule:
    return next((rule for kinds, rule in _RULES if issubclass(kind, kinds)), _holds_none)


def _parts(element: Any) -> Iterable[Any]:
    is_call = _is(element, FunctionElement) and hasattr(element, "clause_expr")
    parts: Iterable[Any] = element.clauses if is_call else element.get_children()
    return parts


def _holds_any(element: Any, parts: list[Any]) -> None:
    del element, parts


def _holds_none(element: Any, parts: list[Any]) -> None:
    # ON CONFLICT has assignments in it, which are looked at with their statement.
    if not hasattr(element, "update_values_to_set"):
        _refuse_all(parts)


def _look_at_call(call: Any, arguments: list[Any]) -> None:
    name = str(getattr(call, "name", "")).lower()
    if name == "coalesce":
        _check_alike(arguments)
    elif name != "count":
        _refuse_all(arguments)


def _look_at_case(case: Any, parts: list[Any]) -> None:
    del parts
    _check_alike([*(result for _, result in case.whens), case.else_])
    _refuse_all([case.value])


def _look_at_operator(expression: Any, parts: list[Any]) -> None:
    if expression.operator not in (is_, is_not):
        _refuse_all(parts)


def _look_at_cast(cast: Any, parts: list[Any]) -> None:
    if not isinstance(cast.clause, Null):
        _refuse_all(parts)


def _look_at_select(statement: Any, parts: list[Any]) -> None:
    del parts
    _check_terms(statement)
    if getattr(statement, "_distinct", False):
        _check_told_apart(statement)


def _look_at_compound(statement: Any, parts: list[Any]) -> None:
    del parts
    _check_terms(statement)
    columns = [list(each.selected_columns) for each in statement.selects]
    for several in zip(*columns, strict=False):
        _check_alike(several)
    if statement.keyword.value != "UNION ALL":
        for each in statement.selects:
            _check_told_apart(each)


def _check_terms(statement: Any) -> None:
    """What rows are ordered by, grouped by, and told apart by."""
    for clause in ("_order_by_clauses", "_group_by_clauses", "_distinct_on"):
        for term in getattr(statement, clause, None) or ():
            _refuse_all([term])
            for name in _names_in(term):
                _refuse_all(_named(statement, name))


def _names_in(term: Any) -> Iterator[str]:
    """What `order_by("ssn")` and `desc("ssn")` name."""
    while isinstance(term, ClauseElement):
        inner: Any = getattr(term, "element", None)
        if isinstance(inner, str):
            yield inner
        term = inner


def _named(statement: Any, name: str) -> Iterator[Any]:
    tables = getattr(statement, "columns_clause_froms", ())
    for columns in (statement.selected_columns, *(table.c for table in tables)):
        yield from (each for each in columns if name in (each.key, each.name))


def _check_told_apart(statement: Any) -> None:
    """With their primary keys beside them, equal rows are equal as they are stored."""
    chosen = [_bare(each) for each in statement.selected_columns]
    known: set[Any] = {each for each in chosen if _is(each, ColumnClause)}
    for each in chosen:
        kind = _kind(each)
        if kind is not None:
            keys = getattr(getattr(each, "table", None), "primary_key", ())
            if not keys or not all(key in known for key in keys):
                raise EncryptedColumnError(f"{kind.told} {DISTINCT}")


def _bare(element: Any) -> Any:
    while _is(element, Label):
        element = element.element
    return element


def _look_at_change(statement: Any, parts: list[Any]) -> None:
    del parts
    columns = statement.table.c
    clause = getattr(statement, "_post_values_clause", None)
    for written in (
        getattr(statement, "_values", None),
        *(row for rows in getattr(statement, "_multi_values", ()) for row in rows),
        getattr(clause, "update_values_to_set", None),
    ):
        for key, value in _items(written):
            column = columns.get(key) if isinstance(key, str) else key
            _check_value(column, value)
            if _kind(value) is not None and not _is_same(_table_of(value), statement.table):
                _refuse_other_row(column)
    for name, source in _copied(statement):
        _check_value(columns.get(name), source)
        if _is_same(_table_of(source, bare=True), statement.table):
            _refuse_other_row(columns.get(name))


def _items(written: Any) -> Iterable[tuple[Any, Any]]:
    return written.items() if _is(written, Mapping) else ()


def _copied(statement: Any) -> Iterable[tuple[str, Any]]:
    """What INSERT takes from a SELECT, by the names of its own columns."""
    names = getattr(statement, "_select_names", None) or ()
    source = getattr(statement, "select", None)
    return zip(names, getattr(source, "selected_columns", ()), strict=False)


def _table_of(source: Any, *, bare: bool = False) -> Any:
    """Whose column it is; with `bare` of an alias, what it stands for."""
    table = getattr(_bare(source), "table", None)
    return getattr(table, "element", table) if bare else table


def _is_same(table: Any, other: Any) -> bool:
    # The ORM's copies of a table have its hash.
    return hash(table) == hash(other)


def _refuse_other_row(column: Any) -> None:
    kind = _kind(column)
    if kind is not None and kind.row is not None:
        raise EncryptedColumnError(f"{kind.told} {OTHER_ROW}")


def _check_value(column: Any, value: Any) -> None:
    """What is written into one column: a value that is encrypted on its way, or what is stored in
    the very same column already.
    """
    if not isinstance(value, ClauseElement) or isinstance(value, Null | StoredValue):
        return
    into, given = _kind(column), _kind(value)
    if into is None and given is not None:
        raise EncryptedColumnError(f"{given.told} {ELSEWHERE}")
    if into is None or _is_untyped(value):
        return
    if given is None:
        raise EncryptedColumnError(f"{into.told} {EXPRESSION}")
    if given.place != into.place:
        raise EncryptedColumnError(f"{given.told} {ELSEWHERE}")


def _is_untyped(value: Any) -> bool:
    # It gets the type of its column, and with it what encrypts it.
    return _is(value, BindParameter) and _is(value.type, NullType)


def _check_alike(elements: Iterable[Any]) -> None:
    """Where one of several is the result, all are of one column, or nothing."""
    given = [each for each in elements if each is not None and not isinstance(each, Null)]
    kinds = [_kind(each) for each in given]
    first = next((kind for kind in kinds if kind is not None), None)
    if first is not None and any(kind is None or kind.place != first.place for kind in kinds):
        raise EncryptedColumnError(f"{first.told} {TOLD}")


def _refuse_all(elements: Iterable[Any]) -> None:
    for element in elements:
        kind = _kind(element)
        if kind is not None:
            raise EncryptedColumnError(f"{kind.told} {TOLD}")


def _kind(element: Any) -> RowBound | None:
    """The type of an element that is encrypted as it stands in the database."""
    found: Any = getattr(element, "type", None)
    return found if isinstance(found, RowBound) else None


def _is(element: Any, kind: Any) -> bool:
    """`isinstance`, which leaves the element as untyped as SQLAlchemy hands it over."""
    return isinstance(element, kind)


_Rule: TypeAlias = Callable[[Any, list[Any]], None]
_RULES: Final[tuple[tuple[Any, _Rule], ...]] = (
    (Select, _look_at_select),
    (CompoundSelect, _look_at_compound),
    ((Insert, Update), _look_at_change),
    (BlindTag, _holds_any),
    (FunctionElement, _look_at_call),
    (Case, _look_at_case),
    (BinaryExpression, _look_at_operator),
    (Cast, _look_at_cast),
    ((Label, Grouping, TypeCoerce, ScalarSelect, Exists, Delete), _holds_any),
    ((TextClause, TextualSelect, ForUpdateArg), _holds_any),
)
"""What may have an encrypted column in it. All else may not."""
