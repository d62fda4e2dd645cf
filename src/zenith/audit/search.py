"""What is searched for in the log: exact values, every one of which has an index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final, get_args

from zenith.kernel.errors import ValidationError
from zenith.kernel.events import Event, EventType, Outcome, Severity
from zenith.kernel.records import dataclass

MAX_VALUE: Final = 256
"""Characters of a value that is searched for."""
SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"([0-9]{1,9})([smhdw])")
EXACT: Final = (
    "outcome",
    "severity",
    "subject",
    "target",
    "session_id",
    "address",
    "request_id",
    "trace_id",
    "event_id",
)
"""Members of an event that a search compares as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """All that is set must fit. Times are Unix seconds."""

    type: EventType | None = None
    outcome: Outcome | None = None
    severity: Severity | None = None
    subject: str | None = None
    """Who acted."""
    target: str | None = None
    """On what."""
    about: str | None = None
    """Either of the two."""
    session_id: str | None = None
    address: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    event_id: str | None = None
    since: float | None = None
    """At this time or later."""
    until: float | None = None
    """Before this time."""

    def fits(self, event: Event) -> bool:
        """Whether the search would find this event."""
        if self.type is not None and event.type != self.type:
            return False
        if self.about is not None and self.about not in (event.subject, event.target):
            return False
        if self.since is not None and event.at < self.since:
            return False
        if self.until is not None and event.at >= self.until:
            return False
        return all(getattr(event, name) == wanted for name, wanted in self.exact().items())

    def exact(self) -> dict[str, str]:
        """The members to compare, by name."""
        wanted = {name: getattr(self, name) for name in EXACT}
        return {name: value for name, value in wanted.items() if value is not None}

    def asked(self) -> dict[str, object]:
        """What is set, by name, for the record of who looked for what."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCount:
    """How many events of one outcome there were in one span of time."""

    span: int
    """Which: Unix seconds divided by the length of a span."""
    outcome: str
    count: int


def read_query(texts: Mapping[str, str], *, now: float) -> AuditQuery:
    """A query from what somebody typed or sent; empty texts ask for nothing.

    Threat: forged parameters that end in a statement, an error of the database or a query that
    means something else (ASVS 2.2.1). Names are those of `AuditQuery`, `type`, `outcome` and
    `severity` one of the known values, times as of `read_time`. Raises ValidationError, which
    names the parameter and the remedy.
    """
    known = {each.name for each in fields(AuditQuery)}
    wanted: dict[str, Any] = {}
    for name, given in texts.items():
        value = given.strip()
        if not value:
            continue
        if name not in known:
            raise ValidationError(f"`{name}` is nothing to search by; choose " + _listed(known))
        wanted[name] = _read_value(name, value, now)
    return AuditQuery(**wanted)


def read_time(text: str, *, now: float) -> float:
    """Unix seconds for `90m`, `24h` or `7d` ago, for a date or for a moment (ISO 8601, UTC unless
    it says otherwise). Raises ValidationError.
    """
    span = _SPAN.fullmatch(text)
    if span is not None:
        return max(0.0, now - int(span[1]) * SECONDS[span[2]])
    try:
        moment = datetime.fromisoformat(text)
        utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, utc.timestamp())
    except (ValueError, OverflowError):
        raise ValidationError(
            f"`{text[:40]}` is no time; write 24h, 7d, 2026-11-22 or 2026-11-22T08:30"
        ) from None


def _read_value(name: str, value: str, now: float) -> Any:
    if len(value) > MAX_VALUE:
        raise ValidationError(f"`{name}` is longer than {MAX_VALUE} characters")
    if name in {"since", "until"}:
        return read_time(value, now=now)
    if name == "type":
        return _event_type(value)
    if name == "outcome":
        return _chosen(name, value.lower(), get_args(Outcome))
    if name == "severity":
        return _chosen(name, value.upper(), get_args(Severity))
    if name == "trace_id":
        return value.lower()
    return value


def _event_type(value: str) -> EventType:
    try:
        return EventType(value.upper())
    except ValueError:
        close = get_close_matches(value.upper(), [str(kind) for kind in EventType], n=2)
        hint = f"did you mean {' or '.join(close)}?" if close else "see the list of events"
        raise ValidationError(f"`{value[:40]}` is no type of event; {hint}") from None


def _chosen(name: str, value: str, choices: Any) -> Any:
    for choice in choices:
        if choice == value:
            return choice
    raise ValidationError(f"`{value[:40]}` is no {name}; choose " + _listed(choices))


def _listed(names: Any) -> str:
    return ", ".join(sorted(str(name) for name in names))
