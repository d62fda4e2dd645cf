"""Events made safe to keep: no secrets, no control characters, bounded in size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath
from typing import Final, TypeAlias, cast
from uuid import UUID

from zenith.audit.record import new_event_id
from zenith.kernel.events import Event, EventType
from zenith.kernel.redaction import PLAIN, REDACTED, Redactor

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_NAME: Final = 256
KNOWN: Final = 1024
"""Texts that are not looked through again."""
_ID: Final = re.compile(r"[0-9a-f]{32}")
MAX_TEXT: Final = 512
MAX_ITEMS: Final = 32
MAX_DEPTH: Final = 4
MAX_INTEGER: Final = 1 << 63

_WRITTEN_OUT: Final = (
    date,
    time,
    timedelta,
    Decimal,
    IPv4Address,
    IPv6Address,
    PurePath,
    UUID,
)


def redacted(event: Event, redactor: Redactor = PLAIN) -> Event:
    """The event as it may be stored (ASVS 16.2.5, 16.4.1).

    Threat: a log that hands out what it should protect, and text in it that forges lines, moves a
    terminal's cursor or fills the disk. Values named like secrets, and text that looks like one,
    are replaced; characters that do not print are written as escapes; everything is bounded. An
    event without an id gets one. `redactor` may know further names.
    """
    # Made at once: `replace` looks at each field first, which takes as long as two of the texts.
    return Event(
        type=event.type if type(event.type) is EventType else EventType(event.type),
        outcome=event.outcome,
        at=float(event.at),
        subject=_optional(event.subject, redactor),
        target=_optional(event.target, redactor),
        session_id=_optional(event.session_id, redactor),
        scheme=_again(event.scheme, MAX_NAME, redactor),
        address=None if event.address is None else _again(event.address, MAX_NAME, redactor),
        user_agent=None
        if event.user_agent is None
        else _again(event.user_agent, MAX_TEXT, redactor),
        request_id=_optional(event.request_id, redactor),
        trace_id=_optional(event.trace_id, redactor),
        event_id=event.event_id if _ID.fullmatch(event.event_id) else new_event_id(),
        reason=text(event.reason, MAX_TEXT, redactor) if event.reason else "",
        severity=event.severity,
        details=details(event.details, redactor) if event.details else {},
    )


def text(value: str, length: int = MAX_TEXT, redactor: Redactor = PLAIN) -> str:
    """At most `length` characters, all of which print; without what looks like a secret."""
    return redactor.text(value, length)


def details(values: Mapping[str, object], redactor: Redactor = PLAIN) -> dict[str, Json]:
    """Details as JSON can carry them."""
    return _mapping(cast("Mapping[object, object]", values), MAX_DEPTH, redactor)


def _again(value: str, length: int, redactor: Redactor) -> str:
    """`text` of what many events have in common."""
    if len(value) > length:
        return text(value, length, redactor)
    return _known(value, length, redactor)


@lru_cache(maxsize=KNOWN)
def _known(value: str, length: int, redactor: Redactor) -> str:
    return text(value, length, redactor)


def _optional(value: str | None, redactor: Redactor) -> str | None:
    # Most are ids of our own, in which nothing can hide.
    if value is None or _ID.fullmatch(value):
        return value
    return text(value, MAX_NAME, redactor)


def _mapping(values: Mapping[object, object], depth: int, redactor: Redactor) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for number, (key, value) in enumerate(values.items()):
        if number == MAX_ITEMS:
            kept["..."] = f"{len(values) - MAX_ITEMS} more"
            break
        name = text(key if isinstance(key, str) else type(key).__name__, MAX_NAME, redactor)
        kept[name] = REDACTED if redactor.is_secret(name) else _value(value, depth - 1, redactor)
    return kept


def _items(values: Iterable[object], count: int, depth: int, redactor: Redactor) -> list[Json]:
    pairs = zip(range(MAX_ITEMS), values, strict=False)
    kept = [_value(value, depth - 1, redactor) for _, value in pairs]
    return [*kept, f"{count - MAX_ITEMS} more"] if count > MAX_ITEMS else kept


def _value(value: object, depth: int, redactor: Redactor) -> Json:
    if isinstance(value, str):
        return text(value.value if isinstance(value, Enum) else value, MAX_TEXT, redactor)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and -MAX_INTEGER <= value < MAX_INTEGER:
        return value
    if isinstance(value, _WRITTEN_OUT):
        return text(str(value), MAX_TEXT, redactor)
    if isinstance(value, Enum):
        return text(value.name, MAX_TEXT, redactor)
    if depth > 0 and isinstance(value, Mapping):
        return _mapping(cast("Mapping[object, object]", value), depth, redactor)
    if depth > 0 and isinstance(value, list | tuple | set | frozenset):
        items = cast("list[object]", value)
        return _items(items, len(items), depth, redactor)
    # Numbers beyond 64 bits, infinities, and objects that may show more than anybody meant to keep.
    return f"<{type(value).__name__}>"
