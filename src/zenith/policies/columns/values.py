"""Columns whose values both databases compare as Python does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from zenith.policies.columns.column import COMPARE, Sql


class Column:
    """A column of one kind of values, by the names of `values.kind_of`."""

    kind: ClassVar[str]

    def __init__(self, expression: Any) -> None:
        self.expression: Final[Any] = expression

    def known(self, truth: bool, *, positive: bool) -> Sql:
        """`truth` for every row in which the column is not null."""
        if truth is not positive:
            return truth
        found: Sql = self.expression.is_not(None) if positive else self.expression.is_(None)
        return found

    def unlike(self, kind: str, *, positive: bool) -> Sql:
        """Against what is of another kind: unknown, unless rows come back as something else."""
        del kind
        return not positive

    def compare(self, operator: str, value: Any, *, positive: bool) -> Sql:
        """Against a value of the same kind."""
        del positive
        return COMPARE[operator](self.expression, self.literal(value))

    def among(self, values: Sequence[Any], *, positive: bool) -> Sql:
        """Whether the column equals one of `values`, which are of its kind."""
        if not values:
            return self.known(False, positive=positive)
        found: Sql = self.expression.in_([self.literal(value) for value in values])
        return found

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Against a column of the same kind; None where that cannot be said exactly."""
        del positive
        return COMPARE[operator](self.expression, other.expression)

    def literal(self, value: Any) -> Any:
        """`value` as a bound parameter."""
        return sa.literal(value, self.expression.type)


class UuidColumn(Column):
    """Identifiers."""

    kind = "UUID"


class BytesColumn(Column):
    """Bytes."""

    kind = "bytes"


class DateColumn(Column):
    """Days."""

    kind = "date"
