"""A verification of the audit log that runs beside the requests."""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar, Final

from zenith.assembly.audit_log import AuditParts
from zenith.audit.verification import VerificationReport
from zenith.kernel.background import end
from zenith.kernel.clock import Clock, wall_clock
from zenith.pipeline import Guard, Stage

_logger: Final = logging.getLogger("zenith")


class VerificationRun(Guard):
    """Verifies when asked, one at a time, and remembers what it found; looks at no request.

    Threat: a page that hangs for the minutes that a large log takes, or a server that is busy with
    a hundred verifications at once (ASVS 15.2.2). It belongs to its process: another one of several
    knows what the log says of the last verification, and not the findings.
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(self, *, clock: Clock = wall_clock) -> None:
        self._clock: Final = clock
        self._task: asyncio.Task[None] | None = None
        self.done = 0
        """Events verified so far."""
        self.total = 0
        """Events that the seals name."""
        self.report: VerificationReport | None = None
        """What the last one found."""
        self.failure = ""
        """Why the last one came to no end."""
        self.ended_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether one is on its way."""
        return self._task is not None and not self._task.done()

    def begin(self, audit: AuditParts, *, by: str) -> bool:
        """Start one for the subject `by`; False if one runs already."""
        if self.is_running:
            return False
        self.done, self.total, self.failure = 0, 0, ""
        self._task = asyncio.create_task(self._run(audit, by), name="zenith-audit-verification")
        return True

    async def shutdown(self) -> None:
        """Give up what runs."""
        if self._task is not None:
            await end(self._task)
            self._task = None

    async def _run(self, audit: AuditParts, by: str) -> None:
        try:
            head = await audit.seals.head(audit.settings.stream)
            self.total = 0 if head is None else head.total
            self.report = await audit.verify(by=by, progress=self._tell)
        except Exception as error:
            # Whatever it is, the page has to say that nothing was proven.
            _logger.exception("the audit log was not verified")
            self.report, self.failure = None, type(error).__name__
        self.ended_at = self._clock()

    def _tell(self, events: int) -> None:
        self.done = events
