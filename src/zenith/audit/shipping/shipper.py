"""The way to one receiver: a bounded queue, patience, and a count of what did not arrive."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from zenith.audit.shipping.errors import DeliveryError
from zenith.audit.shipping.receiver import Receiver
from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.events import Event, EventType, Outcome, Severity

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
"""Seconds between attempts while a receiver does not take events."""
PATIENCE: Final = 1.0
"""Seconds for which the log's own task waits for room: back-pressure that no request feels."""
TOLD_EVERY: Final = 60.0
"""Seconds between two events about losses, while losses go on."""
STOP_TIMEOUT: Final = 5.0
GATHER: Final = 0.05
"""Seconds that events wait for others to be sent with: a way to a thread or to a server for each
would cost more than keeping it in the database.
"""
UNNAMED: Final = "unnamed"
"""What is counted of a batch that was taken in part."""
_logger: Final = logging.getLogger("zenith.audit")
Tell = Callable[[Event], None]


class Shipper:
    """Sends what the log has kept to one receiver, in order and in batches, until it is taken.

    Threat: a receiver that is slow, gone or hostile, and the log with it, or every request
    (ASVS 16.4.3, 16.5.2). Nothing waits for it but this task. While it works and only its queue is
    full, the log's task waits a moment; while it does not answer, batches are tried again with
    growing pauses, and what the queue cannot hold is counted by type, reported at once to the
    logger `zenith.audit` and recorded in the log itself (AUDIT_SINK_FAILED, then AUDIT_SINK_BACK
    with the times between which to look). A batch that it refuses for good is halved until the
    events that it refuses are found. An event may arrive twice; its `event_id` tells.
    """

    def __init__(
        self,
        receiver: Receiver,
        *,
        queue_size: int,
        batch_size: int,
        clock: Clock = wall_clock,
        steady: Clock = steady_clock,
    ) -> None:
        self._receiver: Final = receiver
        self._queue_size: Final = queue_size
        self._batch_size: Final = batch_size
        self._clock: Final = clock
        self._steady: Final = steady
        self._queue: Final[deque[Event]] = deque()
        self._lost: Final[Counter[str]] = Counter()
        self._lost_from = self._lost_to = 0.0
        self._told_at = -TOLD_EVERY
        self._is_failing = False
        self._tell: Tell = _say_nothing
        self._task: asyncio.Task[None] | None = None
        self._wake, self._room, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def name(self) -> str:
        """What operators call the receiver."""
        return self._receiver.name

    def start(self, tell: Tell) -> None:
        """Begin to send; `tell` takes events about the receiver itself."""
        if self._task is not None:
            return
        self._tell = tell
        self._wake, self._room, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="zenith-audit-shipper")
        self._wake.set()

    async def stop(self) -> None:
        """Send what waits, for at most five seconds; say what was not sent."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(task, STOP_TIMEOUT)
        self._lose(list(self._queue), "the application stopped")
        self._queue.clear()
        if self._lost:
            _logger.error("audit sink %s: not delivered: %s", self.name, self._account())
        await self._receiver.close()

    def offer(self, events: Sequence[Event]) -> None:
        """Take events of a request, which does not wait; those beyond the bound are counted."""
        free = max(0, self._queue_size - len(self._queue))
        self._queue.extend(events[:free])
        self._lose(events[free:], "its queue is full")
        self._wake.set()

    async def take(self, events: Sequence[Event]) -> None:
        """Take events of the log's own task, which waits a moment for a receiver that works."""
        if not self._is_failing and self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while len(self._queue) + len(events) > self._queue_size:
                        self._room.clear()
                        await self._room.wait()
        self.offer(events)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await self._gathered()
            self._wake.clear()
            while self._queue:
                count = min(len(self._queue), self._batch_size)
                batch = [self._queue[index] for index in range(count)]
                if not await self._send(batch):
                    return
                for _ in batch:
                    self._queue.popleft()
                self._room.set()
            if self._stopping.is_set():
                return

    async def _gathered(self) -> None:
        if len(self._queue) < self._batch_size:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER):
                    await self._stopping.wait()

    async def _send(self, batch: Sequence[Event]) -> bool:
        """Whether to go on: the batch was taken, or refused for good."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._receiver.deliver(batch)
            except DeliveryError as error:
                if error.rejected:
                    return self._partly(min(error.rejected, len(batch)), batch, error)
                if error.is_final:
                    return await self._divide(batch, error)
                self._failed(error.reason)
                pause = max(pause, min(error.wait, LONGEST_PAUSE))
            except Exception as error:
                # A receiver of somebody else's make; the log must outlive it.
                _logger.exception("audit sink %s", self.name)
                self._failed(type(error).__name__)
            else:
                self._worked()
                return True
            if self._stopping.is_set():
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _divide(self, batch: Sequence[Event], error: DeliveryError) -> bool:
        if len(batch) > 1:
            half = len(batch) // 2
            return await self._send(batch[:half]) and await self._send(batch[half:])
        self._lose(batch, f"refused for good: {error.reason}")
        self._report(error.reason)
        return True

    def _partly(self, count: int, batch: Sequence[Event], error: DeliveryError) -> bool:
        self._count({UNNAMED: count}, batch, error.reason)
        self._report(error.reason)
        self._worked()
        return True

    def _failed(self, reason: str) -> None:
        if not self._is_failing:
            self._is_failing = True
            self._room.set()
            _logger.error("audit sink %s does not take events: %s", self.name, reason)
            self._told_at = -TOLD_EVERY
        self._report(reason)

    def _worked(self) -> None:
        if self._is_failing:
            self._is_failing = False
            account = self._account()
            _logger.warning("audit sink %s takes events again; lost: %s", self.name, account)
            severity: Severity = "WARNING" if self._lost else "INFO"
            self._say(EventType.AUDIT_SINK_BACK, "success", severity, "")
        elif self._lost:
            self._report("its queue was full")

    def _report(self, reason: str) -> None:
        """One event in a minute, however often it fails."""
        now = self._steady()
        if now - self._told_at >= TOLD_EVERY:
            self._told_at = now
            self._say(EventType.AUDIT_SINK_FAILED, "error", "CRITICAL", reason)

    def _say(self, kind: EventType, outcome: Outcome, severity: Severity, reason: str) -> None:
        details = self._account()
        self._lost.clear()
        self._tell(
            Event(
                type=kind,
                outcome=outcome,
                at=self._clock(),
                target=self.name,
                reason=reason,
                severity=severity,
                details=details,
            )
        )

    def _account(self) -> dict[str, Any]:
        if not self._lost:
            return {"lost": 0}
        return {
            "lost": self._lost.total(),
            "by_type": dict(self._lost),
            "from": self._lost_from,
            "to": self._lost_to,
        }

    def _lose(self, events: Sequence[Event], why: str) -> None:
        if events:
            self._count(Counter(str(event.type) for event in events), events, why)

    def _count(self, lost: Mapping[str, int], among: Sequence[Event], why: str) -> None:
        if not self._lost:
            self._lost_from = among[0].at
            _logger.error("audit sink %s loses events from now on: %s", self.name, why)
        self._lost_to = among[-1].at
        self._lost.update(lost)


def _say_nothing(event: Event) -> None:
    """Before the start nobody listens."""
