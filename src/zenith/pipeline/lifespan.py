"""Start and stop of the guards around the application's own lifespan."""

from __future__ import annotations

from typing import Protocol

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.redaction import PLAIN
from zenith.pipeline.exchange import ASGIApp, Message, Receive, Scope, Send
from zenith.pipeline.routes import RouteTable


class Guarded(Protocol):
    """What the lifespan needs of the middleware."""

    @property
    def app(self) -> ASGIApp: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def prepare(self) -> RouteTable: ...


async def run_lifespan(guarded: Guarded, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass the lifespan through: guards start before the application and stop after it, and once
    the application has started, its routes are checked.

    What refuses the start is reported to the server with its fix and without a traceback. For an
    application that knows no lifespan (it raises before it answers) the guards run alone.
    """
    lifespan = _Lifespan(guarded, receive, send)
    try:
        await guarded.app(scope, lifespan.receive, lifespan.send)
    except Exception:
        if lifespan.answered or lifespan.failure is not None:
            await lifespan.report()
            raise
        await lifespan.run_alone()


class _Lifespan:
    def __init__(self, guarded: Guarded, receive: Receive, send: Send) -> None:
        self._guarded = guarded
        self._receive = receive
        self._send = send
        self._received = False
        self.answered = False
        self.failure: ConfigurationError | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        self._received = True
        if message["type"] == "lifespan.startup":
            await self._attempt_start()
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self._attempt_check()
        elif kind == "lifespan.startup.failed":
            await self._guarded.stop()
            if self.failure is not None:
                message = {"type": kind, "message": str(self.failure)}
        elif kind.startswith("lifespan.shutdown"):
            await self._guarded.stop()
        if kind.endswith(".failed"):
            # A traceback, which the server logs once the logs' own protection has stopped.
            text = str(message.get("message", ""))
            message = {**message, "message": PLAIN.without_secrets(text)}
        self.answered = True
        await self._send(message)

    async def report(self) -> None:
        """Tell the server of a refused start, if the application did not."""
        if not self.answered:
            await self.send({"type": "lifespan.startup.failed", "message": str(self.failure)})

    async def run_alone(self) -> None:
        try:
            if not self._received:
                await self.receive()
            await self.send({"type": "lifespan.startup.complete"})
        except ConfigurationError:
            await self.report()
            raise
        await self._receive()
        await self.send({"type": "lifespan.shutdown.complete"})

    async def _attempt_start(self) -> None:
        try:
            await self._guarded.start()
        except ConfigurationError as error:
            self.failure = error
            raise

    def _attempt_check(self) -> None:
        try:
            self._guarded.prepare()
        except ConfigurationError as error:
            self.failure = error
            raise
