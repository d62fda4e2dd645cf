"""Rows of the log as events, also those that the log never wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from zenith.audit.redaction import details
from zenith.kernel.events import Event, EventType, Outcome, Severity

END_OF_TIME: Final = 253_402_300_800.0
"""The year 10000: no calendar goes further."""
UNREADABLE: Final = "this entry is not as this version of the log writes one"
_TYPES: Final[Mapping[object, EventType]] = {str(kind): kind for kind in EventType}
_OUTCOMES: Final = frozenset(get_args(Outcome))
_SEVERITIES: Final = frozenset(get_args(Severity))
_TEXTS: Final = ("scheme", "reason")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_OPTIONAL: Final = (
    "subject",
    "target",
    "session_id",
    "address",
    "user_agent",
    "request_id",
    "trace_id",
    "event_id",
)


def event_of(row: Mapping[str, Any]) -> Event:
    """The event of a row, whose `details` are the JSON as it was stored.

    Threat: one row that an intruder changed, or that a newer version wrote, and nobody can read the
    log any more (ASVS 16.4.2). What is no event of this version is shown as an error that holds
    what is there; whether somebody changed it, verification says.
    """
    held = _read(row["details"])
    if held is None or not _is_event(row):
        return Event(
            type=EventType.UNHANDLED_ERROR,
            outcome="error",
            severity="ERROR",
            at=row["at"] if _is_time(row["at"]) else 0.0,
            reason=UNREADABLE,
            details=details({name: str(value) for name, value in row.items()}),
        )
    return Event(
        type=_TYPES[row["type"]],
        outcome=row["outcome"],
        severity=row["severity"],
        at=row["at"],
        details=held,
        **{name: row[name] for name in _TEXTS},
        **{name: row[name] for name in _OPTIONAL if name != "event_id"},
        event_id=row["event_id"] or "",
    )


def _is_event(row: Mapping[str, Any]) -> bool:
    return (
        row["type"] in _TYPES
        and row["outcome"] in _OUTCOMES
        and row["severity"] in _SEVERITIES
        and _is_time(row["at"])
        and all(_is_text(row[name]) for name in _TEXTS)
        and all(row[name] is None or _is_text(row[name]) for name in _OPTIONAL)
    )


def _is_text(value: object) -> bool:
    """What a database has that cannot be read has lone surrogates here."""
    return isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value))


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < END_OF_TIME


def _read(text: object) -> dict[str, object] | None:
    try:
        found: object = json.loads(cast("str", text))
    except (ValueError, TypeError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None
