"""What of a statement is written as it stands: raw SQL, and tables that only have a name.

Threat: a part that no border is drawn around, because nothing tells SQLAlchemy what it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from sqlalchemy import ClauseElement, ColumnClause, TableClause, TextClause
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import UserDefinedType

from zenith.tenants.errors import TenantError
from zenith.tenants.table import TENANT_TABLES, TenantTable

TEXTS: Final = frozenset({"textclause", "text"})
OPERATIONS: Final = frozenset({"binary", "unary"})
WRITING: Final = frozenset({"insert", "update", "delete", "truncate", "merge", "drop", "alter"})
"""Words of raw SQL that changes rows; so does one that begins with REPLACE."""
SHAPES: Final = frozenset(
    {"alter", "analyze", "comment", "create", "drop", "pragma", "reindex", "vacuum"}
)
"""First words of statements about tables, not rows, as migrations send them."""
_COPY: Final = re.compile(r"\bas\b\W*(?:execute|select|table|values|with)\b")
"""What makes a table, a view or a function of the rows of another."""
_STORED: Final = re.compile(
    r"\A\W*(?:alter|create)\s+(?:or\s+replace\s+)?"
    r"(?:(?:constraint|materialized|recursive|temp|temporary)\s+)*"
    r"(?:foreign\s+table|function|procedure|publication|rule|trigger|view|virtual\s+table)\b"
)
"""What reaches rows by itself later, on behalf of whoever touches something else."""
_BECOMES: Final = re.compile(r"\b(?:attach|inherit|rename\s+to|set\s+schema)\b")
"""What gives a table's rows another name; not what is renamed to the table's own."""
_LATER: Final = "zenith_fragments"
"""Where a compiled statement keeps what was written into it as it stood."""
_READING: Final = re.compile(r"\b(?:select|table)\b")
"""A type may bear the name of a table, whose rows are of it."""
_COMMENT: Final = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_ESCAPED: Final = 'u&"'
"""How PostgreSQL takes a name in escapes, in which no name is found."""
_WORD: Final = re.compile(r"\w+")


def check_fragments(statement: Any, *, across: bool, is_select: bool) -> None:
    """Raise TenantError for a table of tenants that is named where it cannot be limited; inside
    `across_tenants` only for what would write to it.
    """
    elements: Iterator[Any] = visitors.iterate(statement)
    for element in elements:
        table = _plain_table(element)
        if table is not None and table.name.lower() in TENANT_TABLES and not (across and is_select):
            raise TenantError(
                f"a table of its own stands for `{table.name}`, that of a model with tenants",
                fix="use the model or its __table__",
            )
        for text in _texts_in(element):
            _check_text(text.lower(), across=across)
        for part in _rows_in(element):
            check_fragments(part, across=across, is_select=is_select)


def check_rendered(compiled: Any, *, across: bool) -> None:
    """The same for what only rendering brings to light: what options, relations and computed
    columns of models add to a statement.
    """
    found: set[str] = getattr(compiled, _LATER, set[str]())
    for text in found:
        _check_text(text, across=across)


def check_sql(sql: str, *, across: bool) -> None:
    """The same for SQL that goes to the driver as it is."""
    text = sql.lower()
    first = _WORD.match(text.lstrip())
    is_shape = first is not None and first.group() in SHAPES
    bare = _COMMENT.sub(" ", text) if is_shape else text
    if is_shape and _STORED.match(bare):
        _check_text(text, across=across, is_shape=True)
    elif not is_shape or _COPY.search(text) or _COPY.search(bare):
        _check_text(text, across=across)
    elif (becomes := _BECOMES.search(bare)) is not None:
        its_own = bare[: becomes.start()] if becomes.group().startswith("rename") else bare
        _check_text(its_own, across=across, is_shape=True)


def _check_text(text: str, *, across: bool, is_shape: bool = False) -> None:
    words = _WORD.findall(text)
    present = set(words)
    names = _named_in(text)
    if names and not across:
        raise TenantError(
            f"raw SQL names `{min(names)}`, the table of a model with tenants",
            fix="query the model, or say across_tenants(...) around it",
        )
    if names and not is_shape and (present & WRITING or words[0] == "replace"):
        raise TenantError(
            f"raw SQL would write to `{min(names)}`, whosever its rows are",
            fix="write by the model, inside of tenant_scope(...)",
        )


def _named_in(text: str) -> list[str]:
    present, is_any = set(_WORD.findall(text)), _ESCAPED in text
    return [each for each in TENANT_TABLES if is_any or each in present or _is_within(each, text)]


def _is_within(name: str, text: str) -> bool:
    """For names such as `order-lines`, which are no single word."""
    return _WORD.fullmatch(name) is None and name in text


def _plain_table(element: Any) -> Any:
    kind = element.__visit_name__
    table = element if kind == "table" else element.table if kind == "column" else None
    is_plain = getattr(table, "__visit_name__", "") == "table"
    return table if is_plain and not isinstance(table, TenantTable) else None


def _texts_in(element: Any) -> Iterator[str]:
    kind = element.__visit_name__
    if kind in TEXTS:
        yield element.text
    elif kind == "extract":
        yield element.field
    elif kind == "column":
        if element.is_literal:
            yield element.name
    elif kind in OPERATIONS:
        for operator in (element.operator, getattr(element, "modifier", None)):
            yield getattr(operator, "opstring", "")
    elif getattr(element, "supports_execution", False) or kind == "cte":
        for name in ("_prefixes", "_suffixes"):
            yield from (str(text) for text, _ in getattr(element, name, ()))
        yield from (text for _, text in getattr(element, "_statement_hints", ()))
        yield from (getattr(element, "_hints", None) or {}).values()


def _rows_in(element: Any) -> Iterator[Any]:
    """What stands in several rows of values, which SQLAlchemy's own walk leaves out."""
    for name in ("_multi_values", "_data"):
        waiting: list[Any] = [getattr(element, name, None)]
        while waiting:
            part = waiting.pop()
            if isinstance(part, ClauseElement):
                yield part
            elif isinstance(part, dict):
                waiting += cast("dict[object, Any]", part).values()
            elif isinstance(part, list | tuple):
                waiting += cast("list[Any]", part)


@compiles(TextClause)
def _write_text(element: TextClause, compiler: SQLCompiler, **options: Any) -> str:
    return _write(compiler.visit_textclause, element, element.text, compiler, options)


@compiles(ColumnClause)
def _write_column(element: ColumnClause[Any], compiler: SQLCompiler, **options: Any) -> str:
    text = element.name if element.is_literal else ""
    return _write(compiler.visit_column, element, text, compiler, options)


@compiles(TableClause)
def _write_table(element: TableClause, compiler: SQLCompiler, **options: Any) -> str:
    return _write(compiler.visit_table, element, element.name, compiler, options)


@compiles(UserDefinedType)
def _write_type(element: UserDefinedType[Any], compiler: Any, **options: Any) -> str:
    """A type of an application's own is text, too, in casts, parameters and definitions of columns;
    what is part of no statement is refused where it is written, whoever wants it.
    """
    written: str = compiler.visit_user_defined(element, **options)
    text = written.lower()
    if _READING.search(text):
        for name in _named_in(text):
            raise TenantError(
                f"a type's text reads `{name}`, the table of a model with tenants",
                fix="name a type in `get_col_spec`, and nothing else",
            )
    return written


def _write(
    visit: Any, element: Any, text: str, compiler: SQLCompiler, options: dict[str, Any]
) -> str:
    """As ever, and on record: options of a statement are no part of it until it is written."""
    if text:
        vars(compiler).setdefault(_LATER, set()).add(text.lower())
    written: str = visit(element, **options)
    return written
