"""Counts what browsers report, in memory first: of a flood comes one write in a few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Sequence
from typing import Final

from zenith.headers.reports import BrowserReport, read_reports
from zenith.headers.settings import HeadersSettings
from zenith.headers.store import DayCount, ReportCount, ReportStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import SecurityError
from zenith.kernel.events import Event, EventSink, EventType, Silence
from zenith.kernel.one_step import one_step

DAY: Final = 86_400
PAUSE: Final = 2.0
"""Seconds for which reports wait to be written together."""
PATIENCE: Final = 30
"""Pauses between two attempts where the store does not answer."""
MAX_WAITING: Final = 500
"""Different reports that wait; of further ones only the folded are counted."""
_log: Final = logging.getLogger("zenith.headers")


class ReportCollector:
    """Takes reports, counts what is the same, and keeps the counts for a while.

    Threat: policies that break pages, or are being broken, and nobody knows (ASVS 3.4.7); and an
    address that anybody can send to, as often and as much as he likes: nothing is kept that is not
    counted, cut and bounded, and no request waits for a database.
    """

    def __init__(
        self,
        store: ReportStore,
        settings: HeadersSettings | None = None,
        *,
        events: EventSink | None = None,
        clock: Clock = wall_clock,
        pause: float = PAUSE,
    ) -> None:
        settings = settings or HeadersSettings()
        self._store: Final = store
        self._room: Final = settings.max_reports
        self._retention: Final = settings.report_retention
        self._events: Final = events or Silence()
        self._clock: Final = clock
        self._pause: Final = pause
        self._waiting: dict[tuple[int, BrowserReport], ReportCount] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing: Final = asyncio.Lock()

    def take(self, body: bytes, *, media_type: str, hosts: Container[str]) -> int:
        """Count the reports of one request; how many there were. They are written within `pause`
        seconds, or lost with the process. Raises BadRequestError.
        """
        reports = read_reports(body, media_type=media_type, hosts=hosts)
        now = self._clock()
        for report in reports:
            self._note(
                int(now // DAY),
                ReportCount(report=report, count=1, first_seen=now, last_seen=now),
            )
        if reports and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(
                self._write_soon(), name="zenith-reports"
            )
        return len(reports)

    async def start(self) -> None:
        """Nothing runs before the first report."""

    async def stop(self) -> None:
        """Write what waits."""
        task, self._task = self._task, None
        if task is not None:
            # Not in the midst of a write: what it has taken would be lost.
            async with self._writing:
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.flush()

    async def flush(self) -> bool:
        """Write what waits. What cannot be written waits on, and the answer is False."""
        async with self._writing:
            return await self._write()

    async def _write(self) -> bool:
        waiting, self._waiting = self._waiting, {}
        written = True
        days: dict[int, list[ReportCount]] = {}
        for (day, _), count in waiting.items():
            days.setdefault(day, []).append(count)
        for day, counts in days.items():
            try:
                await self._store.add(day, counts, room=self._room)
            except (SecurityError, OSError) as error:
                reason = getattr(error, "reason", "") or type(error).__name__
                _log.warning("%d reports of browsers wait: %s", len(counts), reason)
                for count in counts:
                    self._note(day, count)
                written = False
        return written

    async def totals(self, *, days: int = 30, limit: int = 100) -> Sequence[ReportCount]:
        """The reports of the last `days`, today included, the most frequent first."""
        await self.flush()
        return await self._store.totals(since=self.today - days + 1, limit=limit)

    async def days(self, *, days: int = 30) -> Sequence[DayCount]:
        """What was counted on each of the last `days`, by kind and directive."""
        await self.flush()
        return await self._store.days(since=self.today - days + 1)

    async def clear(self, *, by: str) -> int:
        """Forget everything; how many rows there were. `by` is the subject id of who wants it."""
        self._waiting = {}
        async with one_step():
            count = await self._store.clear()
            await self._events.record(
                Event(
                    type=EventType.REPORTS_CLEARED,
                    outcome="success",
                    at=self._clock(),
                    subject=by,
                    details={"rows": count},
                )
            )
        return count

    async def prune(self) -> int:
        """Forget what is older than the settings say."""
        return await self._store.prune(before=int((self._clock() - self._retention) // DAY))

    @property
    def today(self) -> int:
        """Days since 1970-01-01, UTC."""
        return int(self._clock() // DAY)

    def _note(self, day: int, count: ReportCount) -> None:
        report = count.report
        if (day, report) not in self._waiting and len(self._waiting) >= MAX_WAITING:
            report = report.folded
        known = self._waiting.get((day, report))
        self._waiting[day, report] = ReportCount(
            report=report,
            count=count.count + (known.count if known else 0),
            first_seen=min(count.first_seen, known.first_seen) if known else count.first_seen,
            last_seen=max(count.last_seen, known.last_seen) if known else count.last_seen,
        )

    async def _write_soon(self) -> None:
        pause = self._pause
        while self._waiting:
            await asyncio.sleep(pause)
            pause = self._pause * (1 if await self.flush() else PATIENCE)
        self._task = None
