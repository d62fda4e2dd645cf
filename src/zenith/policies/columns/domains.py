"""Columns of few values: each is asked beforehand, so that every operator can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from zenith.policies.columns.column import PerDatabase, Sql
from zenith.policies.columns.values import Column
from zenith.policies.values import Truth


class DomainColumn(Column):
    """Members of an enumeration, or one of several texts."""

    kind = "one of several values"

    def __init__(self, expression: Any, domain: Sequence[Any]) -> None:
        super().__init__(expression)
        self.domain: Final = tuple(domain)

    def test(self, test: Callable[[Any], Truth], *, positive: bool) -> Sql:
        """Whether `test` holds for the column's value."""
        found = [value for value in self.domain if test(value) is positive]
        if len(found) in {0, len(self.domain)}:
            return self.known(bool(found) is positive, positive=positive)
        wanted: Sql = self.one_of(found) if positive else sa.not_(self.one_of(found))
        return wanted

    def one_of(self, values: Sequence[Any]) -> Any:
        """Whether the column has one of `values`."""
        return self.expression.in_([self.literal(value) for value in values])

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Not said: two enumerations may spell one value in two ways."""
        del operator, other, positive
        return None


class BooleanColumn(DomainColumn):
    """Truth values; SQLite keeps numbers, of which every one but 0 is true."""

    kind = "truth value"

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, (True, False))

    def one_of(self, values: Sequence[Any]) -> Any:
        """Whether the column is the one that is asked for."""
        number = sa.type_coerce(self.expression, sa.Integer())
        if values[0]:
            return PerDatabase(number != 0, self.expression == sa.true())
        return PerDatabase(number == 0, self.expression == sa.false())

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql:
        """Equality with another column of truth values, which have no order."""
        del operator, positive
        mine, theirs = (
            sa.type_coerce(each.expression, sa.Integer()) != 0 for each in (self, other)
        )
        return PerDatabase(mine == theirs, self.expression == other.expression)
