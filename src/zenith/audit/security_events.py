"""What each security event means, and the guide's way to record one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenith.audit.catalogue import CATALOGUE
from zenith.audit.errors import UnknownEventError
from zenith.audit.json_lines import line_of
from zenith.audit.redaction import redacted
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import NO_DETAILS, Event, EventSink, EventType, Outcome, Severity

SECURITY_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {kind: known.meaning for kind, known in CATALOGUE.items()}
)
"""Every event type with what it means."""

OUTCOMES: Final[Mapping[EventType, Outcome]] = MappingProxyType(
    {kind: known.outcome for kind, known in CATALOGUE.items()}
)
"""How each usually ends."""

_SEVERITIES: Final[Mapping[str, Severity]] = {
    "INFO": "INFO",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "CRITICAL": "CRITICAL",
}


class SecurityAuditLog:
    """Records security events from handlers: into a sink such as `AuditLog`, a logger, or both.

    Each event is redacted first; the logger gets it as one line of JSON at its severity.
    """

    def __init__(
        self,
        logger: logging.Logger | None = None,
        *,
        sink: EventSink | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        if logger is None and sink is None:
            raise ConfigurationError(
                "SecurityAuditLog has nowhere to write", fix="pass a logger, or sink=AuditLog(...)"
            )
        self._logger: Final = logger
        self._sink: Final = sink
        self._clock: Final = clock

    async def log_event(
        self,
        event_type: str,
        user_id: object = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
        details: Mapping[str, object] = NO_DETAILS,
        severity: str = "INFO",
    ) -> None:
        """Record one event and return once it is kept.

        `event_type` is a key of SECURITY_EVENTS, `severity` one of INFO, WARNING, ERROR, CRITICAL;
        anything else raises UnknownEventError. Raises ServiceUnavailableError if the sink cannot
        keep the event.
        """
        kind = _type_of(event_type)
        event = Event(
            type=kind,
            outcome=OUTCOMES[kind],
            at=self._clock(),
            subject=None if user_id is None else str(user_id),
            address=ip_address,
            user_agent=user_agent,
            severity=_severity_of(severity),
            details=details,
        )
        if self._sink is not None:
            await self._sink.record(event)
        if self._logger is not None:
            level = logging.getLevelNamesMapping()[event.severity]
            self._logger.log(level, "%s", line_of(redacted(event)).decode().rstrip())


def _type_of(name: str) -> EventType:
    try:
        return EventType(name)
    except ValueError:
        raise UnknownEventError(
            f"unknown event type `{name}`; choose one of " + ", ".join(EventType)
        ) from None


def _severity_of(name: str) -> Severity:
    try:
        return _SEVERITIES[name]
    except KeyError:
        raise UnknownEventError(
            f"unknown severity `{name}`; choose one of " + ", ".join(_SEVERITIES)
        ) from None
