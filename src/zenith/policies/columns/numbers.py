"""Numbers: compared by value, never by what a conversion made of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from math import inf
from typing import Any, Final, cast

import sqlalchemy as sa

from zenith.policies.columns.column import (
    COMPARE,
    FLIPPED,
    LESS,
    PerDatabase,
    Refused,
    Sql,
    as_sql,
)
from zenith.policies.columns.values import Column
from zenith.policies.errors import PolicyError

LARGEST: Final = (1 << 63) - 1
MAX_DIGITS: Final = 150
"""Digits before or behind the point of the numbers that are compared with decimal columns."""
FLOAT_DIGITS: Final = 15
"""Decimal digits that survive in the floating-point numbers that SQLite makes of decimals."""
NOT_A_NUMBER: Final[Any] = cast(Any, sa.literal_column("'NaN'"))
DOUBLE: Final[Any] = cast(Any, sa.Double())
DECIMAL: Final[Any] = cast(Any, sa.Numeric())


class NumberColumn(Column, ABC):
    """What integers, decimals and floating-point numbers share."""

    kind = "number"

    def compare(self, operator: str, value: Any, *, positive: bool) -> Sql:
        """Against a number of any type, by value."""
        nearest = self.nearest(operator, value)
        if isinstance(nearest, bool):
            return self.known(nearest, positive=positive)
        operator, bound = nearest
        return self.sound(self.bound(operator, bound), operator, positive=positive)

    def among(self, values: Sequence[Any], *, positive: bool) -> Sql:
        """Whether the column equals one of `values`, of those that it can hold at all."""
        nearest = [self.nearest("==", value) for value in values]
        kept = [each[1] for each in nearest if not isinstance(each, bool)]
        if not kept:
            return self.known(False, positive=positive)
        return self.sound(self.one_of(kept), "==", positive=positive)

    @abstractmethod
    def nearest(self, operator: str, value: Any) -> tuple[str, Any] | bool:
        """The same comparison against what the column can hold, or what it always says."""

    def bound(self, operator: str, value: Any) -> Sql:
        """A comparison with a value that the column can hold."""
        return COMPARE[operator](self.expression, self.literal(value))

    def one_of(self, values: Sequence[Any]) -> Sql:
        """Whether the column equals one of `values`, which it can hold."""
        found: Sql = self.expression.in_([self.literal(value) for value in values])
        return found

    def sound(self, condition: Sql, operator: str, *, positive: bool) -> Sql:
        """`condition`, unknown where the column is no number."""
        del operator, positive
        return condition

    def known(self, truth: bool, *, positive: bool) -> Sql:
        """`truth` for every row in which the column is a number."""
        found = super().known(truth, positive=positive)
        if isinstance(found, bool):
            return found
        return self.sound(found, ">" if positive else "<", positive=positive)


class IntegerColumn(NumberColumn):
    """Whole numbers of 64 bits at most."""

    def nearest(self, operator: str, value: Any) -> tuple[str, Any] | bool:
        """Against the whole number below, if `value` lies between two."""
        found = _scaled(value, 0)
        if found is None or not -LARGEST - 1 <= found[0] <= LARGEST:
            return _beyond(operator, value)
        whole, exact = found
        if exact:
            return operator, whole
        if operator == "==":
            return False
        return ("<=" if operator in LESS else ">"), whole

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Against another column of numbers."""
        if isinstance(other, IntegerColumn):
            return COMPARE[operator](self.expression, other.expression)
        if isinstance(other, DecimalColumn):
            return other.compare_column(FLIPPED[operator], self, positive=positive)
        return None

    def literal(self, value: Any) -> Any:
        """As 64 bits, whatever the column has."""
        return sa.literal(value, sa.BigInteger())


class NanColumn(NumberColumn):
    """Numbers among which PostgreSQL may have NaN: equal to itself and above all others."""

    def sound(self, condition: Sql, operator: str, *, positive: bool) -> Sql:
        """`condition`, unknown for NaN."""
        if positive == (operator in {"==", *LESS}):
            return condition
        return self.without_nan(condition, positive=positive)

    def without_nan(self, condition: Sql, *, positive: bool) -> Sql:
        """`condition`, or what it may be where the column is NaN."""
        nan = sa.cast(NOT_A_NUMBER, self.plain_type())
        number = self.expression != nan if positive else self.expression == nan
        join = sa.and_ if positive else sa.or_
        return PerDatabase(condition, join(as_sql(condition), number))

    @abstractmethod
    def plain_type(self) -> Any:
        """The type of the column's values."""


class FloatColumn(NanColumn):
    """Floating-point numbers."""

    def nearest(self, operator: str, value: Any) -> tuple[str, Any] | bool:
        """Against the closest floating-point number, on the right side of it."""
        try:
            closest = float(value)
        except OverflowError:
            closest = inf if value > 0 else -inf
        if closest == value:
            return operator, closest
        if operator == "==":
            return False
        if operator in LESS:
            return ("<=" if closest < value else "<"), closest
        return (">" if closest < value else ">="), closest

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Against another such column only: conversions of others round."""
        if not isinstance(other, FloatColumn):
            return None
        condition: Sql = COMPARE[operator](self.expression, other.expression)
        for each in (self, other):
            condition = each.without_nan(condition, positive=positive)
        return condition

    def literal(self, value: Any) -> Any:
        """As 64 bits, whatever the column has."""
        return sa.literal(value, DOUBLE)

    def plain_type(self) -> Any:
        """The type of the column's values."""
        return DOUBLE


class DecimalColumn(NanColumn):
    """Decimals of a fixed number of places; SQLite keeps the nearest floating-point number."""

    def __init__(self, expression: Any, precision: int | None, scale: int | None) -> None:
        super().__init__(expression)
        self.precision: Final = precision
        self.scale: Final = scale

    def nearest(self, operator: str, value: Any) -> tuple[str, Any] | bool:
        """Against the decimal below, if `value` has more places than the column."""
        found = _scaled(value, MAX_DIGITS if self.scale is None else self.scale)
        if found is None and self.precision is not None and self.precision <= MAX_DIGITS:
            return _beyond(operator, value)
        if found is None or (self.scale is None and not found[1]):
            raise PolicyError(
                "a number has too many digits for a decimal column",
                fix=f"compare with numbers of at most {MAX_DIGITS} digits on each side",
            )
        if self.scale is None:
            return operator, Decimal(value)
        units, exact = found
        if exact or operator != "==":
            kept = operator if exact else "<=" if operator in LESS else ">"
            return kept, _decimal(units, self.scale)
        return False

    def bound(self, operator: str, value: Any) -> Sql:
        """A comparison with a decimal."""
        compare = COMPARE[operator]
        return PerDatabase(
            self.on_sqlite(compare(self.rounded, sa.literal(float(value), DOUBLE))),
            compare(self.expression, sa.literal(value, DECIMAL)),
        )

    def one_of(self, values: Sequence[Any]) -> Sql:
        """Whether the column equals one of `values`."""
        floats: list[Any] = [sa.literal(float(value), DOUBLE) for value in values]
        decimals = [sa.literal(value, DECIMAL) for value in values]
        return PerDatabase(self.on_sqlite(self.rounded.in_(floats)), self.expression.in_(decimals))

    def compare_column(self, operator: str, other: Any, *, positive: bool) -> Sql | None:
        """Against another column of exact numbers."""
        if not isinstance(other, DecimalColumn | IntegerColumn):
            return None
        compare = COMPARE[operator]
        on_sqlite = compare(self.rounded, _on_sqlite(other))
        decimals = [each for each in (self, other) if isinstance(each, DecimalColumn)]
        for each in decimals:
            on_sqlite = each.on_sqlite(on_sqlite)
        condition: Sql = PerDatabase(on_sqlite, compare(self.expression, other.expression))
        for each in decimals:
            condition = each.without_nan(condition, positive=positive)
        return condition

    @property
    def rounded(self) -> Any:
        """What comes back from SQLite."""
        number: Any = sa.type_coerce(self.expression, DOUBLE)
        return sa.func.round(number, self.scale or 0, type_=DOUBLE)

    def on_sqlite(self, condition: Any) -> Any:
        """`condition`, where SQLite keeps all digits."""
        if self.scale is not None and (self.precision or FLOAT_DIGITS + 1) <= FLOAT_DIGITS:
            return condition
        return Refused(
            f"SQLite does not keep all digits of {self.expression}",
            f"declare the column as Numeric of at most {FLOAT_DIGITS} digits, or as whole numbers",
        )

    def plain_type(self) -> Any:
        """The type of the column's values."""
        return DECIMAL


def _on_sqlite(column: DecimalColumn | IntegerColumn) -> Any:
    return column.rounded if isinstance(column, DecimalColumn) else column.expression


def _beyond(operator: str, value: Any) -> bool:
    return operator != "==" and (operator in LESS) == (value > 0)


def _scaled(value: Any, scale: int) -> tuple[int, bool] | None:
    """The greatest whole number of units of `10 ** -scale` that is not above `value`, and whether
    it is `value`; None for what is out of all proportion.
    """
    if isinstance(value, Decimal):
        return _scaled_decimal(value, scale)
    if isinstance(value, float):
        if value in {inf, -inf}:
            return None
        above, below = value.as_integer_ratio()
        units, rest = divmod(above * 10**scale, below)
        return units, rest == 0
    return value * 10**scale, True


def _scaled_decimal(value: Decimal, scale: int) -> tuple[int, bool] | None:
    # The exponent first: 1E+999999999 is short to write and fills the memory when written out.
    if value.is_infinite() or value.adjusted() > MAX_DIGITS:
        return None
    if not value:
        return 0, True
    if value.adjusted() < -MAX_DIGITS:
        return (0 if value > 0 else -1), False
    above, below = value.as_integer_ratio()
    units, rest = divmod(above * 10**scale, below)
    return units, rest == 0


def _decimal(units: int, scale: int) -> Decimal:
    digits = tuple(int(digit) for digit in str(abs(units)))
    return Decimal((int(units < 0), digits, -scale))
