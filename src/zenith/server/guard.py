"""Lets load balancers look elsewhere before the port is closed."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from types import FrameType
from typing import Any, ClassVar, Final

from zenith.kernel.errors import ServiceUnavailableError
from zenith.pipeline import Guard, Stage

_log: Final = logging.getLogger("zenith.server")


class DrainGuard(Guard):
    """Holds SIGTERM back for `delay` seconds, in which readiness is denied and all else is served.

    Threat: requests that are refused, or cut, at every deployment, because who distributes them
    learns last that a process ends. A second SIGTERM ends the wait. Looks at no request; works
    under uvicorn, in a process's main thread.
    """

    stage: ClassVar[Stage] = Stage.AUDIT

    def __init__(self, delay: float) -> None:
        self._delay: Final = delay
        self._stop: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False

    def require_service(self) -> None:
        """Raise ServiceUnavailableError once the process is about to stop."""
        if self._draining:
            raise ServiceUnavailableError(reason="draining")

    async def startup(self) -> None:
        """Stand before the server's own handler."""
        self._draining = False
        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGTERM)
        # Others are told by the event loop, which cannot be asked to wait.
        if not hasattr(getattr(handler, "__self__", None), "should_exit"):
            _log.warning("server.drain_delay has no effect: it needs uvicorn")
            return
        self._stop, self._loop = handler, asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, self._drain)

    async def shutdown(self) -> None:
        """Stand aside."""
        if self._stop is not None:
            signal.signal(signal.SIGTERM, self._stop)
            self._stop = None

    def _drain(self, number: int, frame: FrameType | None) -> None:
        if self._draining or self._loop is None:
            self._stop(number, frame)
            return
        self._draining = True
        self._loop.call_soon_threadsafe(self._loop.call_later, self._delay, self._end, number)

    def _end(self, number: int) -> None:
        if self._stop is not None:
            self._stop(number, None)
