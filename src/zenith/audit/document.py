"""An event as a document, the same for every file, receiver and command."""

from __future__ import annotations

from datetime import UTC, datetime

from zenith.kernel.events import Event


def document_of(event: Event) -> dict[str, object]:
    """The event's members by name, for JSON. Times are UTC and say so (ASVS 16.2.2, 16.2.4)."""
    return {
        "at": timestamp(event.at),
        "type": str(event.type),
        "outcome": event.outcome,
        "severity": event.severity,
        "subject": event.subject,
        "target": event.target,
        "session_id": event.session_id,
        "scheme": event.scheme,
        "address": event.address,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "trace_id": event.trace_id,
        "event_id": event.event_id,
        "reason": event.reason,
        "details": dict(event.details),
    }


def timestamp(at: float) -> str:
    """`2027-01-15T08:00:00.500+00:00` for Unix seconds; what is no time of a calendar as it is."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return repr(at)
