"""The operators of conditions: what each takes and what it says."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast
from zoneinfo import ZoneInfo

from zenith.kernel.network import Address, Network
from zenith.kernel.permissions import Permissions
from zenith.kernel.records import dataclass
from zenith.policies.errors import PolicyError
from zenith.policies.limits import (
    MAX_ELEMENTS,
    MAX_MATCHED,
    MAX_PATTERN,
    MAX_STEPS,
    MAX_TEXT,
)
from zenith.policies.values import (
    ORDERED,
    Truth,
    any_equal,
    elements_of,
    equal,
    kind_of,
    negate,
    order,
    plain,
)

Test: TypeAlias = Callable[[object, object], Truth]
Unary: TypeAlias = Callable[[object], Truth]

_PATTERN_MEMORY: Final = 1 << 20
_MAPPED: Final = 96


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A time of day from `start` to before `end` in `zone`; past midnight if `end` is earlier."""

    start: time
    end: time
    zone: ZoneInfo

    def holds(self, moment: datetime) -> bool:
        """Whether `moment`, which has a zone, lies within."""
        clock = moment.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M:%S} to {self.end:%H:%M:%S} {self.zone.key}"


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: `attribute operator value`."""

    name: str
    test: Test
    """Compares two values as they come."""
    prepare: Callable[[object], object]
    """Checks a literal value and gives the form in which it is kept. Raises PolicyError."""
    takes_reference: bool = True
    """Whether the value may be another attribute."""
    bind: Callable[[Any], Unary] | None = None
    """A test for one literal that is faster than `test` with it."""


def _ordered(holds: Callable[[int], bool]) -> Test:
    def test(left: object, right: object) -> Truth:
        found = order(left, right)
        return None if found is None else holds(found)

    return test


def _dated(holds: Callable[[int], bool]) -> Test:
    compare = _ordered(holds)

    def test(left: object, right: object) -> Truth:
        return compare(left, right) if issubclass(type(left), date) else None

    return test


def _not(test: Test) -> Test:
    def negated(left: object, right: object) -> Truth:
        return negate(test(left, right))

    return negated


def _contains(left: object, right: object) -> Truth:
    if type(left) is Permissions:
        wanted = plain(right)
        return left.allow(wanted) if isinstance(wanted, str) else None
    elements = elements_of(left)
    if elements is not None:
        return None if plain(right) is None else any_equal(elements, right)
    return _text_test(left, right, str.__contains__)


def _in(left: object, right: object) -> Truth:
    elements = elements_of(right)
    return None if elements is None or plain(left) is None else any_equal(elements, left)


def _text_test(left: object, right: object, holds: Callable[[str, str], bool]) -> Truth:
    text, part = plain(left), plain(right)
    if not isinstance(text, str) or not isinstance(part, str):
        return None
    return holds(text, part)


def _starts_with(left: object, right: object) -> Truth:
    return _text_test(left, right, str.startswith)


def _ends_with(left: object, right: object) -> Truth:
    return _text_test(left, right, str.endswith)


def _matches(left: object, right: object) -> Truth:
    return _pattern(cast(str, right))(left)


def _pattern(pattern: str) -> Unary:
    """A test of the whole text, in time linear to it (RE2), so that no text can hold us up: the
    larger the expression, the shorter the text that it is tried on.
    """
    compiled = _compile(rf"\A(?:{pattern})\z")
    search: Callable[[str], object] = compiled.search
    longest = min(MAX_MATCHED, MAX_STEPS // compiled.programsize)

    def test(left: object) -> Truth:
        text = plain(left)
        if not isinstance(text, str) or len(text) > longest:
            return None
        try:
            return search(text) is not None
        except UnicodeEncodeError:  # a lone surrogate is no character
            return None

    return test


def _in_network(left: object, right: object) -> Truth:
    address = _address(left)
    texts = elements_of(right)
    networks = [_network(each) for each in ((right,) if texts is None else texts)]
    if address is None:
        return None
    if any(network is not None and address in network for network in networks):
        return True
    return None if None in networks else False


def _time_between(left: object, right: object) -> Truth:
    moment = plain(left)
    if type(moment) is not datetime or moment.tzinfo is None:
        return None
    try:
        return cast(TimeWindow, right).holds(moment)
    except OverflowError:
        return None


def _address(value: object) -> Address | None:
    if isinstance(value, IPv4Address | IPv6Address):
        return _unmapped(value)
    text = plain(value)
    return _parse_address(text) if isinstance(text, str) else None


def _network(value: object) -> Network | None:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    text = plain(value)
    return _parse_network(text) if isinstance(text, str) else None


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> Address | None:
    try:
        return _unmapped(ip_address(text))
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _parse_network(text: str) -> Network | None:
    try:
        network = ip_network(text)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= _MAPPED:
        return IPv4Network((mapped, network.prefixlen - _MAPPED))
    return network


def _unmapped(address: Address) -> Address:
    """One address has one form: mapped ones are IPv4, zones are left out."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _compile(pattern: str) -> Any:
    try:
        re2 = importlib.import_module("re2")
    except ModuleNotFoundError:
        raise PolicyError(
            "regular expressions need RE2, which is not installed",
            fix="install zenith-security[policies]",
        ) from None
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise PolicyError(
            f"no regular expression: {error}",
            fix="write it in RE2's syntax, which has no look-around and no backreferences",
        ) from None


# Literals ----------------------------------------------------------------------------------------


def _single(value: object) -> object:
    found = plain(value)
    if value is None:
        raise PolicyError(
            "null compares with nothing", fix='use {"operator": "missing"} or "exists"'
        )
    if found is None:
        raise PolicyError(
            f"a {type(value).__name__} is no single value",
            fix="give a text, number, truth value, date or time; for lists use `in` or any",
        )
    if isinstance(found, str | bytes) and len(found) > MAX_TEXT:
        raise PolicyError("the value is too long", fix=f"at most {MAX_TEXT:,} characters")
    return found


def _sortable(value: object) -> object:
    found = plain(_single(value))
    if found is None or kind_of(found) not in ORDERED:
        raise PolicyError("the value has no order", fix="compare with a number, text, date or time")
    return found


def _list(value: object) -> object:
    elements = elements_of(value)
    if elements is None:
        raise PolicyError(
            "membership needs a list of values", fix='write a list: ["draft", "published"]'
        )
    if len(elements) > MAX_ELEMENTS:
        raise PolicyError("the list is too long", fix=f"at most {MAX_ELEMENTS:,} values")
    return tuple(_single(element) for element in elements)


def _text(value: object) -> object:
    found = _single(value)
    if not isinstance(found, str):
        raise PolicyError("the value is no text", fix="give a text")
    return found


def _regex(value: object) -> object:
    pattern = cast(str, _text(value))
    if len(pattern) > MAX_PATTERN:
        raise PolicyError(
            "the regular expression is too long", fix=f"at most {MAX_PATTERN:,} characters"
        )
    _compile(pattern)  # alone first: `a)(b` must not become well formed by what is put around it
    return pattern


def _networks(value: object) -> object:
    texts = elements_of(value)
    networks = tuple(_network(each) for each in ((value,) if texts is None else texts))
    if not networks or None in networks or len(networks) > MAX_ELEMENTS:
        raise PolicyError(
            "the value is no network",
            fix="write one or a list, without host bits: 10.0.0.0/8, 2001:db8::/32",
        )
    return networks


def _window(value: object) -> object:
    if isinstance(value, TimeWindow):
        return value
    fix = 'write {"from": "09:00", "to": "17:30", "zone": "Europe/Berlin"}'
    given: Mapping[str, object] = (
        cast(Mapping[str, object], value) if isinstance(value, Mapping) else MappingProxyType({})
    )
    if sorted(given, key=str) != _WINDOW:
        raise PolicyError("the value is no time of day", fix=fix)
    try:
        start, end = (time.fromisoformat(cast(str, given[name])) for name in ("from", "to"))
        zone = ZoneInfo(cast(str, given["zone"]))
    except (TypeError, ValueError, OSError, LookupError) as error:
        raise PolicyError(f"the value is no time of day: {error}", fix=fix) from None
    if start.tzinfo or end.tzinfo or start == end:
        raise PolicyError("the value is no time of day", fix=fix)
    return TimeWindow(start, end, zone)


_WINDOW: Final = ["from", "to", "zone"]


def _moment(value: object) -> object:
    found = plain(value)
    if isinstance(found, date):
        return found
    try:
        text = cast(str, _text(value))
        found = plain(_parse_moment(text))
    except (ValueError, PolicyError):
        found = None
    if found is None:
        raise PolicyError(
            "the value is no date", fix="write 2026-12-31 or 2026-12-31T18:00:00+01:00"
        )
    return found


def _parse_moment(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {
        operator.name: operator
        for operator in (
            Operator("equals", equal, _single),
            Operator("not_equals", _not(equal), _single),
            Operator("contains", _contains, _single),
            Operator("not_contains", _not(_contains), _single),
            Operator("in", _in, _list),
            Operator("not_in", _not(_in), _list),
            Operator("greater_than", _ordered(lambda found: found > 0), _sortable),
            Operator("less_than", _ordered(lambda found: found < 0), _sortable),
            Operator("at_least", _ordered(lambda found: found >= 0), _sortable),
            Operator("at_most", _ordered(lambda found: found <= 0), _sortable),
            Operator("starts_with", _starts_with, _text),
            Operator("ends_with", _ends_with, _text),
            Operator("matches", _matches, _regex, takes_reference=False, bind=_pattern),
            Operator("in_network", _in_network, _networks),
            Operator("time_between", _time_between, _window, takes_reference=False),
            Operator("before", _dated(lambda found: found < 0), _moment),
            Operator("after", _dated(lambda found: found > 0), _moment),
        )
    }
)
"""Every comparison by its name; `exists` and `missing` compare nothing."""
