"""Start and stop of the guards around the application's own lifespan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline.exchange import ASGIApp, Message, Receive, Scope, Send
from zenith.pipeline.guard import Guard
from zenith.pipeline.routes import RouteTable


class Guarded(Protocol):
    """What the lifespan needs of the middleware."""

    @property
    def app(self) -> ASGIApp: ...
    @property
    def guards(self) -> Sequence[Guard]: ...
    def prepare(self) -> RouteTable: ...


async def run_lifespan(guarded: Guarded, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass the lifespan through; the guards start after the application and stop before it.

    A start check that fails is reported to the server as a failed start, with its fix. For an
    application that knows no lifespan (it raises before it answers) the guards are run alone.
    """
    lifespan = _Lifespan(guarded, receive, send)
    try:
        await guarded.app(scope, lifespan.receive, lifespan.send)
    except Exception:
        if lifespan.answered:
            raise
        await lifespan.run_alone()


class _Lifespan:
    def __init__(self, guarded: Guarded, receive: Receive, send: Send) -> None:
        self._guarded = guarded
        self._receive = receive
        self._send = send
        self._running = False
        self._received = False
        self.answered = False

    async def receive(self) -> Message:
        self._received = True
        return await self._receive()

    async def send(self, message: Message) -> None:
        self.answered = True
        if message["type"] == "lifespan.startup.complete":
            await self._start()
        elif message["type"].startswith("lifespan.shutdown"):
            await self._stop()
        await self._send(message)

    async def run_alone(self) -> None:
        if not self._received:
            await self._receive()
        await self.send({"type": "lifespan.startup.complete"})
        await self._receive()
        await self.send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        try:
            await _start(self._guarded)
        except ConfigurationError as error:
            await self._send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        self._running = True

    async def _stop(self) -> None:
        if self._running:
            self._running = False
            await _stop(self._guarded.guards)


async def _start(guarded: Guarded) -> None:
    guarded.prepare()
    running: list[Guard] = []
    try:
        for guard in guarded.guards:
            await guard.startup()
            running.append(guard)
    except BaseException:
        await _stop(running)
        raise


async def _stop(guards: Sequence[Guard]) -> None:
    for guard in reversed(guards):
        await guard.shutdown()
