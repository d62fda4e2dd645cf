"""That the application was started, and with what."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import ClassVar, Final

from zenith.assembly.assembly import Assembly
from zenith.audit import AuditLog
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType
from zenith.pipeline import Guard, Stage
from zenith.settings import Settings

DISTRIBUTION: Final = "zenith-security"


class StartRecord(Guard):
    """Records each start and stop of a server process; looks at no request.

    Threat: a restart that nobody asked for, or one with settings that somebody loosened
    (ASVS 16.3.4). Commands, which start the same parts, are no application.
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(
        self,
        events: EventSink,
        settings: Settings,
        report: Sequence[str],
        *,
        clock: Clock = wall_clock,
    ) -> None:
        self._events: Final = events
        self._settings: Final = settings
        self._report: Final = tuple(report)
        self._clock: Final = clock

    async def startup(self) -> None:
        """Note it; the audit log stores it once it runs."""
        about = {"environment": self._settings.env, "version": _version()}
        self._note(EventType.APPLICATION_STARTED, {**about, "report": list(self._report)})

    async def shutdown(self) -> None:
        """Note that, too: a process that ends without saying so was killed."""
        self._note(EventType.APPLICATION_STOPPED, {"version": _version()})

    def _note(self, kind: EventType, details: Mapping[str, object]) -> None:
        self._events.note(
            Event(
                type=kind,
                outcome="success",
                at=self._clock(),
                target=self._settings.origin,
                details={**details, "process": os.getpid()},
            )
        )


def start_record(assembly: Assembly) -> Sequence[Guard]:
    """What records the starts of an application, where there is an audit log."""
    log = assembly.services.get(AuditLog)
    return () if log is None else (StartRecord(log, assembly.settings, assembly.report),)


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "from source"
