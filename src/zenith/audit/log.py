"""The audit log: what takes events, and when they are safe."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from zenith.audit.context import in_context
from zenith.audit.json_lines import JsonLines, line_of
from zenith.audit.redaction import redacted
from zenith.audit.search import AuditQuery
from zenith.audit.settings import AuditSettings
from zenith.audit.shipping import Shipper
from zenith.audit.shipping.receivers import copies, make_shippers
from zenith.audit.store import AuditStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError, ConflictError, ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.kernel.one_step import after_step, current_step
from zenith.kernel.redaction import PLAIN, Redactor

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds between attempts while the store cannot be reached."""
STOP_TIMEOUT: Final = 10.0
"""Seconds that a stop waits for the store; what it has not taken by then goes to the log."""
_logger: Final = logging.getLogger("zenith.audit")


class AuditLog:
    """Takes security events and keeps them: the EventSink of an application.

    Threat: an action without a record, because the record was lost, delayed past a crash, or
    pushed out by a flood of others (ASVS 16.3.3). `record` returns when the store has the event.
    `note` costs the request an append to a queue; a task of this process stores what waits, in
    order and in batches, and tries again for as long as the store is away. The queue is bounded:
    events that find it full are counted by type, reported at once to the logger `zenith.audit`,
    and stored as one AUDIT_OVERFLOW event. What cannot be stored by the end of the process is
    written to that logger, whole. Without a store the JSON lines are the record. `shippers` send
    copies elsewhere; None for those that the settings name.
    """

    def __init__(
        self,
        store: AuditStore | None,
        settings: AuditSettings | None = None,
        *,
        shippers: Sequence[Shipper] | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._settings: Final = settings or AuditSettings()
        path = self._settings.json_lines
        if store is None and path is None:
            raise ConfigurationError(
                "the audit log has nowhere to keep events",
                fix="give it a store, or name a file in audit.json_lines",
            )
        self._store: Final = store
        self._lines: Final = None if path is None else JsonLines(path)
        # Where a store is the record, the file gets copies as other receivers do.
        self._file: Final = (
            None if store is None or self._lines is None else copies(self._lines, self._settings)
        )
        self._shippers: Final = (
            make_shippers(self._settings) if shippers is None else tuple(shippers)
        )
        self._clock: Final = clock
        self.redactor: Redactor = PLAIN
        """Takes secrets out of events; it may know further names."""
        self._queue: Final[deque[Event]] = deque()
        self._lost: Counter[EventType] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    @property
    def _all(self) -> tuple[Shipper, ...]:
        return self._shippers if self._file is None else (self._file, *self._shippers)

    async def start(self) -> None:
        """Open the file and begin to store what is noted; raises ConfigurationError."""
        if self._task is not None:
            return
        if self._lines is not None:
            await asyncio.to_thread(self._lines.open)
        self._wake, self._stopping = asyncio.Event(), asyncio.Event()
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        for shipper in self._all:
            shipper.start(self.note)
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="zenith-audit")

    async def stop(self) -> None:
        """Store what waits, for at most ten seconds, and end the task."""
        task, self._task, self._loop = self._task, None, None
        if task is None:
            return
        self._stopping.set()
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(task, STOP_TIMEOUT)
        while batch := self._take():
            _hand_over(batch)
        await asyncio.gather(*(shipper.stop() for shipper in self._all))
        if self._lines is not None:
            await asyncio.to_thread(self._lines.close)

    async def record(self, event: Event) -> None:
        """Keep `event` before returning, or, within a step, together with what the step changes:
        both are there afterwards, or neither. Raises ServiceUnavailableError if that is not
        possible.
        """
        events = (redacted(in_context(event), self.redactor),)
        try:
            if self._store is None:
                if not await self._write(events):
                    raise ServiceUnavailableError(reason="audit.json_lines cannot be written")
            else:
                await self._store.append(events)
            if self._all:
                await after_step(partial(self._copy, events))
        except asyncio.CancelledError:
            if current_step() is None:
                # It happened, and nobody knows who has it by now: the queue brings it to the rest.
                self.note(events[0])
            raise

    def note(self, event: Event) -> None:
        """Take an event that need not wait. Never blocks and never raises; any thread may call."""
        if len(self._queue) >= self._settings.queue_size:
            if not self._lost:
                _logger.error("the audit queue is full: events are counted and not kept")
            self._lost[event.type] += 1
            return
        self._queue.append(in_context(event))
        if self._loop is None:
            return
        if threading.get_ident() == self._thread:
            self._wake.set()
        else:
            with suppress(RuntimeError):  # the loop was closed: what waits is stored at next start
                self._loop.call_soon_threadsafe(self._wake.set)

    def ship(self, event: Event) -> None:
        """Send an event to the receivers and keep it nowhere here. Never blocks, never raises."""
        for shipper in self._shippers:
            shipper.offer((event,))

    async def _copy(self, events: Sequence[Event]) -> None:
        """What was stored for a request, to wherever else it goes; the request waits for none of
        it. Before the start, as in commands, nobody else would write the file.
        """
        for shipper in self._all:
            if shipper is self._file and self._task is None:
                await self._write(events)
            else:
                shipper.offer(events)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._take():
                try:
                    await self._keep(batch)
                except asyncio.CancelledError:
                    _hand_over(batch)
                    raise
                except Exception:  # Whatever it is, those that follow are to be kept.
                    _logger.exception("audit: %d events may be lost", len(batch))
            if self._stopping.is_set():
                return

    def _take(self) -> list[Event]:
        queue, count = self._queue, min(len(self._queue), self._settings.batch_size)
        batch = [queue.popleft() for _ in range(count)]
        if self._lost:
            lost, self._lost = self._lost, Counter()
            batch.append(self._overflow(lost))
        return [self._readable(event) for event in batch]

    def _readable(self, event: Event) -> Event:
        try:
            return redacted(event, self.redactor)
        except Exception as error:
            kind = str(getattr(event, "type", type(event).__name__))
            _logger.exception("audit: no event, and not recorded as it is: %s", kind)
            made = Event(
                type=EventType.UNHANDLED_ERROR,
                outcome="error",
                at=self._clock(),
                severity="ERROR",
                reason="something that is no event was to be recorded",
                details={"type": kind, "error": type(error).__name__},
            )
            return redacted(made, self.redactor)

    def _overflow(self, lost: Counter[EventType]) -> Event:
        return Event(
            type=EventType.AUDIT_OVERFLOW,
            outcome="error",
            at=self._clock(),
            severity="CRITICAL",
            reason="the queue of the audit log was full",
            details={"lost": lost.total(), "by_type": dict(lost)},
        )

    async def _keep(self, batch: Sequence[Event]) -> None:
        if self._file is not None:
            await self._file.take(batch)  # first: the store may be away for long
        if self._store is not None:
            await self._append(self._store, batch)
        elif not await self._write(batch):
            _hand_over(batch)
        for shipper in self._shippers:
            await shipper.take(batch)

    async def _append(self, store: AuditStore, batch: Sequence[Event]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await store.append(batch)
            except (ServiceUnavailableError, OSError) as error:
                reason = getattr(error, "reason", "") or type(error).__name__
                _logger.critical("audit store: %s; %d events wait", reason, len(batch))
                if self._stopping.is_set():
                    _hand_over(batch)
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as error:
                # It refuses these for good: others must neither wait for them nor go with them.
                if len(batch) > 1:
                    half = len(batch) // 2
                    await self._append(store, batch[:half])
                    await self._append(store, batch[half:])
                elif not (isinstance(error, ConflictError) and await _has(store, batch[0])):
                    _logger.exception("audit store: an event is refused")
                    _hand_over(batch)
                return
            else:
                return

    async def _write(self, events: Sequence[Event]) -> bool:
        if self._lines is None:
            return False
        try:
            await asyncio.to_thread(self._lines.append, events, sync=self._store is None)
        except OSError as error:
            _logger.critical("audit.json_lines: %s; %d events", error.strerror, len(events))
            return False
        return True


async def _has(store: AuditStore, event: Event) -> bool:
    """Whether the store has it from an attempt of which nobody heard how it ended."""
    with suppress(ServiceUnavailableError, OSError):
        found = await store.search(AuditQuery(event_id=event.event_id), limit=1)
        return [(each.event.type, each.event.at) for each in found] == [(event.type, event.at)]
    return False


def _hand_over(events: Sequence[Event]) -> None:
    """The last place: the process's own log."""
    for event in events:
        _logger.error("audit event that could not be stored: %s", line_of(event).decode().rstrip())
