"""What every condition on a column is made of.

Threat: a query that finds rows which the policy denies, because the database compares otherwise
than the policy: letters without case, `1` as true, padded or localized text, NaN above all numbers,
numbers and times that are rounded (ASVS 8.2.2). Whatever cannot be said exactly is refused.

Three values: where `positive`, the caller asks whether a condition is true, so that unknown may be
answered by false; where not, whether it is false, so that unknown may be answered by true. What is
null in SQL is unknown by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from zenith.policies.errors import PolicyError

Sql: TypeAlias = bool | ColumnElement[bool]
"""A condition, or what it always is."""
Compare: TypeAlias = Callable[[Any, Any], ColumnElement[bool]]

COMPARE: Final[dict[str, Compare]] = {
    "==": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
LESS: Final = frozenset({"<", "<="})
FLIPPED: Final = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class PerDatabase(FunctionElement[bool]):
    """One condition, written for SQLite and for PostgreSQL."""

    inherit_cache = True
    type = sa.Boolean()
    name = "per_database"

    def __init__(self, sqlite: Sql, postgresql: Sql) -> None:
        super().__init__(as_sql(sqlite), as_sql(postgresql))

    def self_group(self, against: Any = None) -> Any:
        """It always stands in brackets of its own."""
        del against
        return self


class Brackets(FunctionElement[bool]):
    """A level of its own: SQLAlchemy writes what it joins into one, and SQLite counts its depth."""

    inherit_cache = True
    type = sa.Boolean()
    name = "brackets"

    def __init__(self, condition: ColumnElement[bool]) -> None:
        super().__init__(condition)

    def self_group(self, against: Any = None) -> Any:
        """It always stands in brackets of its own."""
        del against
        return self


class Refused(FunctionElement[bool]):
    """What one of the databases cannot say: refused when the statement is written for it."""

    inherit_cache = True
    type = sa.Boolean()
    name = "refused"

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(sa.literal(problem), sa.literal(fix))


@compiles(PerDatabase, "sqlite")
def _for_sqlite(element: PerDatabase, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(_written(element)[0], **options)})"


@compiles(PerDatabase, "postgresql")
def _for_postgresql(element: PerDatabase, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(_written(element)[1], **options)})"


@compiles(PerDatabase)
def _for_others(element: PerDatabase, compiler: Any, **options: Any) -> str:
    del element, options
    raise PolicyError(
        f"how {compiler.dialect.name} compares values is not known",
        fix="filter on SQLite or PostgreSQL, or decide on each object",
    )


@compiles(Brackets)
def _in_brackets(element: Brackets, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(next(iter(element.clauses)), **options)})"


@compiles(Refused)
def _refuse(element: Refused, compiler: Any, **options: Any) -> str:
    del compiler, options
    problem, fix = _written(element)
    raise PolicyError(problem.value, fix=fix.value)


def _written(element: FunctionElement[bool]) -> tuple[Any, Any]:
    first, second = element.clauses
    return first, second


def as_sql(condition: Sql) -> ColumnElement[bool]:
    """`condition` as part of a statement."""
    if isinstance(condition, bool):
        return sa.true() if condition else sa.false()
    return condition


def invert(condition: Sql) -> Sql:
    """The opposite of `condition`; null stays null."""
    return not condition if isinstance(condition, bool) else sa.not_(condition)
