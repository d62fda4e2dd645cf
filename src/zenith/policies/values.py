"""Values that can be compared, and what comparing them says: true, false or unknown.

Threat: access by confusion of types (ASVS 8.2.2): `True == 1`, a text that overrides `__eq__`, a
missing attribute that "is not" the forbidden value. Values of different kinds are not comparable,
and what is not comparable is unknown, which no negation makes true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

Truth: TypeAlias = bool | None
"""True, false, or None for unknown."""
Plain: TypeAlias = str | int | float | Decimal | bytes | date | time | UUID
"""A single value of exactly one of these types (`bool` is an `int`, `datetime` a `date`)."""


def negate(truth: Truth) -> Truth:
    """What is unknown stays unknown."""
    return None if truth is None else not truth


def kind_of(value: Plain) -> str:
    """What `value` can be compared with: values of the same kind."""
    if type(value) is datetime and value.tzinfo is None:
        return "date and time without zone"
    return _KINDS[type(value)]


def plain(value: object) -> Plain | None:
    """`value` as one of the comparable types exactly, or None if it is no single value.

    Members of enumerations stand for their values, instances of subclasses for what they hold,
    whatever methods they override. Moments with a zone are in UTC. NaN is no value.
    """
    kind: Any = type(value)
    if kind in _AS_THEY_ARE:
        return cast(Plain, value)
    exact = _EXACT.get(kind)
    if exact is None:
        exact = _exact_of(kind)
        if exact is None:
            return None
    return exact(value)


def equal(left: object, right: object) -> Truth:
    """Equality within one kind: integers, floats and decimals by value."""
    kind = type(left)
    if kind is type(right) and kind in _AS_THEY_ARE:
        return left == right
    if left is None or right is None:
        return None
    pair = _comparable(left, right)
    return None if pair is None else pair[0] == pair[1]


def order(left: object, right: object) -> int | None:
    """Below 0 if `left` comes first, 0 if they are equal, or None if there is no order.

    Text is ordered by code points. Truth values, identifiers and bytes have no order.
    """
    if left is None or right is None:
        return None
    pair = _comparable(left, right)
    if pair is None or kind_of(pair[0]) not in ORDERED:
        return None
    first, second = cast(tuple[Any, Any], pair)
    try:
        return -1 if first < second else int(first > second)
    except ArithmeticError:  # decimals whose context traps comparisons with floats
        return None


def elements_of(value: object) -> tuple[object, ...] | None:
    """What a list, tuple or set holds, or None for anything else, text and mappings included."""
    kind = type(value)
    for base in _COLLECTIONS:
        if issubclass(kind, base):
            return tuple(base.__iter__(cast(Any, value)))
    return None


def any_equal(elements: Iterable[object], value: object) -> Truth:
    """Whether one of `elements` equals `value`; unknown if none does and one cannot be compared."""
    found: Truth = False
    for element in elements:
        truth = equal(element, value)
        if truth:
            return True
        if truth is None:
            found = None
    return found


def _comparable(left: object, right: object) -> tuple[Plain, Plain] | None:
    first, second = plain(left), plain(right)
    if first is None or second is None or kind_of(first) != kind_of(second):
        return None
    return first, second


def _float(value: object) -> Plain | None:
    number = float.__float__(cast(float, value))
    return number if number == number else None  # noqa: PLR0124  # NaN alone differs from itself


def _decimal(value: object) -> Plain | None:
    number = Decimal(cast(Decimal, value))
    return None if number.is_nan() else number


def _datetime(value: object) -> Plain | None:
    moment = cast(datetime, value)
    exact = datetime.combine(datetime.date(moment), datetime.timetz(moment))
    if exact.tzinfo is None:
        return exact
    if exact.utcoffset() is None:
        return exact.replace(tzinfo=None)
    try:
        return exact.astimezone(UTC)
    except OverflowError:  # before year 1 or after year 9999
        return None


def _time(value: object) -> Plain | None:
    clock = cast(time, value)
    return clock if type(clock) is time and clock.tzinfo is None else None


def _date(value: object) -> Plain | None:
    return date.fromordinal(date.toordinal(cast(date, value)))


def _uuid(value: object) -> Plain | None:
    return UUID(int=cast(UUID, value).int)


def _enum(value: object) -> Plain | None:
    return plain(cast(Enum, value).value)


def _text(value: object) -> Plain | None:
    return str.__str__(cast(str, value))


def _int(value: object) -> Plain | None:
    return int.__int__(cast(int, value))


def _bytes(value: object) -> Plain | None:
    return bytes.__getitem__(cast(bytes, value), slice(None))


@lru_cache(maxsize=1024)
def _exact_of(kind: Any) -> Callable[[object], Plain | None] | None:
    return next((exact for base, exact in _SUBCLASSES if issubclass(kind, base)), None)


_AS_THEY_ARE: Final = frozenset({str, int, bool, bytes, date, UUID})
_EXACT: Final[Mapping[type, Callable[[object], Plain | None]]] = MappingProxyType(
    {float: _float, Decimal: _decimal, datetime: _datetime, time: _time}
)
_SUBCLASSES: Final[tuple[tuple[type, Callable[[object], Plain | None]], ...]] = (
    (Enum, _enum),
    (str, _text),
    (int, _int),
    (float, _float),
    (Decimal, _decimal),
    (bytes, _bytes),
    (datetime, _datetime),
    (date, _date),
    (UUID, _uuid),
)
_KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {
        str: "text",
        bool: "truth value",
        int: "number",
        float: "number",
        Decimal: "number",
        bytes: "bytes",
        datetime: "date and time",
        date: "date",
        time: "time",
        UUID: "UUID",
    }
)
ORDERED: Final = frozenset(
    {"text", "number", "date and time", "date and time without zone", "date", "time"}
)
_COLLECTIONS: Final[tuple[Any, ...]] = (list, tuple, set, frozenset)
