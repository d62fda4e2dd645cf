"""The one wrapper around `send`: the guards' last word on every response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from zenith.kernel.errors import AuthenticationError, SecurityError
from zenith.kernel.problem import Problem, RawHeaders
from zenith.pipeline.exchange import NEVER, Exchange, Message, Send
from zenith.pipeline.refusal import refuse

Hook: TypeAlias = Callable[[Exchange], Awaitable[None] | None]
AcceptHook: TypeAlias = Callable[[Exchange, RawHeaders], None]
FORBIDDEN: Final = 403
CONTENT: Final = frozenset({"http.response.body", "websocket.send"})
RESPONSE_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


class StreamEndedError(ConnectionAbortedError):
    """What leads to a caller whose credential has ended."""

    def __init__(self) -> None:
        super().__init__("the caller may not have more of this stream")


class GuardedResponse:
    """Stands in for `send`: runs the guards' hooks when the response starts, whoever started it.

    Where a refusal came up while the application ran, it replaces the application's answer:
    frameworks turn errors met while reading a body into answers of their own, 500s among them.
    """

    __slots__ = ("_accept_hooks", "_exchange", "_hooks", "_replaced", "_send")

    def __init__(
        self,
        exchange: Exchange,
        send: Send,
        hooks: Sequence[Hook],
        accept_hooks: Sequence[AcceptHook] = (),
    ) -> None:
        self._exchange: Final = exchange
        self._send: Final = send
        self._hooks: Final = hooks
        self._accept_hooks: Final = accept_hooks
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if self._replaced:
            return
        kind, exchange = message["type"], self._exchange
        if kind in CONTENT:
            if exchange.still is not None and not await exchange.still():
                await self._end()
            await self._send(message)
            return
        if kind in RESPONSE_STARTS:
            settle = exchange.settle
            if settle is not None:
                refusal = exchange.refusal
                due = settle(message["status"] if refusal is None else refusal.status)
                if due is not None:
                    await self._settled(due)
            if exchange.refusal is not None:
                self._replaced = True
                await refuse(exchange, Problem.of(exchange.refusal), self._pass)
                return
            exchange.started, exchange.deadline = True, NEVER
            exchange.status = message["status"]
            exchange.response_headers = list(message.get("headers", ()))
            for hook in self._hooks:
                waiting = hook(exchange)
                if waiting is not None:
                    await waiting
            message["headers"] = exchange.response_headers
        else:
            await self._shake_hands(kind, message)
        await self._send(message)

    async def _shake_hands(self, kind: str, message: Message) -> None:
        exchange = self._exchange
        if kind == "websocket.accept":
            exchange.started, exchange.deadline = True, NEVER
            headers: RawHeaders = list(message.get("headers", ()))
            if headers:
                for hook in self._accept_hooks:
                    hook(exchange, headers)
                message["headers"] = headers
        elif kind == "websocket.close" and not exchange.started:
            # The server answers the handshake with 403; the guards hear of it all the same.
            await self._begin({"type": kind, "status": FORBIDDEN})

    async def _end(self) -> None:
        """Let no more of a stream leave. The application sees a client that is gone: what it sends
        to one caller may be sent on behalf of another, whom a refusal does not concern.
        """
        if not self._replaced:
            self._replaced = True
            if self._exchange.is_websocket:
                refusal = self._exchange.refusal or AuthenticationError()
                await refuse(self._exchange, Problem.of(refusal), self._send)
            else:
                await self._send({"type": "http.response.body", "body": b""})
        raise StreamEndedError

    async def refuse(self, error: SecurityError) -> None:
        """Answer with the refusal, or with the one that came up before it."""
        self._exchange.failure = self._exchange.refusal or error
        await refuse(self._exchange, Problem.of(error), self)

    async def _settled(self, due: Awaitable[None]) -> None:
        """What could not be kept is not answered as if it were."""
        try:
            await due
        except SecurityError as error:
            self._exchange.refusal = error

    async def _pass(self, message: Message) -> None:
        if message["type"] in RESPONSE_STARTS:
            await self._begin(message)
        await self._send(message)

    async def _begin(self, message: Message) -> None:
        exchange = self._exchange
        exchange.started, exchange.deadline = True, NEVER
        exchange.status = message["status"]
        exchange.response_headers = list(message.get("headers", ()))
        for hook in self._hooks:
            waiting = hook(exchange)
            if waiting is not None:
                await waiting
        message["headers"] = exchange.response_headers
