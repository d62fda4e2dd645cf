"""What the values of a column are: checked before a driver sees them, read from a client's text.

Threat: a value of another type than the column's, which one database compares and the other
answers with an error of its own; numbers and texts that a driver cannot carry (ASVS 2.2.1).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import types

from zenith.kernel.records import dataclass
from zenith.query.errors import UnfitValueError

Check: TypeAlias = Callable[[Any], object]
EQUAL: Final = frozenset({"eq", "ne", "in", "not_in"})
RANGE: Final = frozenset({"gt", "gte", "lt", "lte"})
MATCH: Final = frozenset({"contains", "starts_with", "ends_with"})
MAX_TEXT: Final = 1000
"""Characters of a text that is compared."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of values."""

    check: Check
    """The value as the database gets it; raises ValueError if it is of another kind."""
    reader: TypeAdapter[Any]
    """Reads it from text or JSON."""
    operators: frozenset[str]
    costly: frozenset[str] = frozenset()
    """Operators that no index helps: clients have them only where the model names them."""
    has_offset: bool = False
    """Whether it is a point in time, wherever the clock hangs."""
    has_order: bool = True
    """Whether the database can sort by it."""


def kind_of(sql_type: types.TypeEngine[Any]) -> Kind | None:
    """The kind of a column's values; None where they cannot be compared by value.

    A type that stores something else than its values, such as an encrypted one, says by its
    `compared_as` as which type the database compares them, by equality only.
    """
    if hasattr(sql_type, "compared_as"):
        told: types.TypeEngine[Any] | None = cast("Any", sql_type).compared_as
        found = None if told is None else kind_of(told)
        if found is None:
            return None
        return replace(found, operators=EQUAL, costly=frozenset(), has_order=False)
    while isinstance(sql_type, types.TypeDecorator) and not isinstance(sql_type, types.Interval):
        sql_type = sql_type.impl_instance
    if isinstance(sql_type, types.Enum):
        choices = sql_type.enum_class
        return (
            None if choices is None else Kind(partial(_enum, choices), TypeAdapter(choices), EQUAL)
        )
    if isinstance(sql_type, types.Integer):
        bits = _bits(sql_type)
        return Kind(
            partial(_integer, -(1 << bits), (1 << bits) - 1), TypeAdapter(int), EQUAL | RANGE
        )
    if isinstance(sql_type, types.DateTime):
        check: Check = _instant if sql_type.timezone else _moment
        return Kind(check, TypeAdapter(datetime), EQUAL | RANGE, has_offset=bool(sql_type.timezone))
    for kind, (check, python, operators) in _SIMPLE.items():
        if isinstance(sql_type, kind):
            costly = MATCH if python is str else frozenset[str]()
            return Kind(check, TypeAdapter(python), operators, costly)
    return None


def _bits(sql_type: types.Integer) -> int:
    if isinstance(sql_type, types.BigInteger):
        return 63
    return 15 if isinstance(sql_type, types.SmallInteger) else 31


def _integer(lowest: int, highest: int, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if lowest <= value <= highest:
            return int(value)
        raise UnfitValueError("is out of range")
    raise ValueError("is no integer")


def _float(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        raise UnfitValueError("is no finite number")
    raise ValueError("is no finite number")


def _decimal(value: object) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        if number.is_finite() and abs(number.adjusted()) < MAX_EXPONENT:
            return number
        raise UnfitValueError("is no finite decimal")
    raise ValueError("is no finite decimal")


MAX_EXPONENT: Final = 100


def _text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, enum.Enum):
        raise ValueError("is no text")  # noqa: TRY004  # a refusal is always a ValueError
    if len(value) > MAX_TEXT:
        raise UnfitValueError(f"is longer than {MAX_TEXT} characters")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise UnfitValueError("is not Unicode") from None
    if "\0" in value:
        raise UnfitValueError("holds a NUL")
    return value


def _bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("is neither true nor false")


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("is no bytes")  # noqa: TRY004  # a refusal is always a ValueError
    if len(value) > MAX_TEXT:
        raise UnfitValueError(f"is longer than {MAX_TEXT} bytes")
    return value


def _moment(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value
    raise ValueError("is no date and time without an offset")


def _instant(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise UnfitValueError("is out of range") from None
    raise ValueError("is no date and time with an offset")


def _date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("is no date")


def _time(value: object) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value
    raise ValueError("is no time of day without an offset")


def _duration(value: object) -> timedelta:
    if not isinstance(value, timedelta):
        raise ValueError("is no duration")  # noqa: TRY004  # a refusal is always a ValueError
    if not -MAX_DURATION <= value <= MAX_DURATION:
        raise UnfitValueError("is out of range")
    return value


MAX_DURATION: Final = timedelta(days=365_000)


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    raise ValueError("is no UUID")


def _enum(choices: type[enum.Enum], value: object) -> enum.Enum:
    if isinstance(value, choices):
        return value
    if isinstance(value, str | int) and not isinstance(value, enum.Enum | bool):
        try:
            return choices(value)
        except ValueError:
            raise UnfitValueError("is none of the choices") from None
    raise ValueError("is none of the choices")


_SIMPLE: Final[dict[type[types.TypeEngine[Any]], tuple[Check, type, frozenset[str]]]] = {
    types.String: (_text, str, EQUAL | RANGE | MATCH),
    types.Boolean: (_bool, bool, EQUAL),
    types.Float: (_float, float, EQUAL | RANGE),
    types.Numeric: (_decimal, Decimal, EQUAL | RANGE),
    types.Date: (_date, date, EQUAL | RANGE),
    types.Time: (_time, time, EQUAL | RANGE),
    types.Interval: (_duration, timedelta, EQUAL | RANGE),
    types.Uuid: (_uuid, UUID, EQUAL),
    types.LargeBinary: (_bytes, bytes, EQUAL),
}
