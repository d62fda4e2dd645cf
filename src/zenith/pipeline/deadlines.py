"""Ends requests that take too long, with one timer for all of them."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from weakref import WeakSet

from zenith.kernel.clock import steady_clock
from zenith.pipeline.exchange import Exchange

INTERVAL: Final = 1.0
"""Seconds between two looks at the running requests."""


class Deadlines:
    """Cancels the tasks of exchanges whose `deadline` has passed.

    Threat: handlers and senders that never finish hold connections and memory until none is left
    (ASVS 15.1.3, 13.2.6). A timer for each request would cost more than most protections; one look
    a second at all of them costs nothing that can be measured, and a second of precision.
    """

    __slots__ = ("_last", "_running", "_watched")

    def __init__(self) -> None:
        self._running: Final[dict[Exchange, asyncio.Task[Any]]] = {}
        self._watched: Final[WeakSet[asyncio.AbstractEventLoop]] = WeakSet()
        self._last: asyncio.AbstractEventLoop | None = None

    def enter(self, exchange: Exchange) -> None:
        """Watch `exchange`, which the current task serves."""
        task = asyncio.current_task()
        if task is None:
            return
        self._running[exchange] = task
        loop = task.get_loop()
        if loop is not self._last:
            self._watch(loop)

    def leave(self, exchange: Exchange) -> None:
        """The exchange is over: a cancellation of ours is taken back, so that the task lives on."""
        task = self._running.pop(exchange, None)
        if task is not None and exchange.timed_out:
            task.uncancel()

    def ended(self, exchange: Exchange) -> bool:
        """Whether the deadline, and nobody else, cancelled the task of `exchange`."""
        return exchange.timed_out and self._running[exchange].cancelling() == 1

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._last = loop
        if loop not in self._watched:
            self._watched.add(loop)
            loop.call_later(INTERVAL, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = steady_clock()
        busy = False
        for exchange, task in tuple(self._running.items()):
            if task.get_loop() is not loop:
                continue
            busy = True
            if exchange.deadline <= now and not exchange.timed_out:
                exchange.timed_out = True
                task.cancel()
        if busy:
            loop.call_later(INTERVAL, self._look, loop)
        else:
            self._watched.discard(loop)
            self._last = None
