"""The one wrapper around `send`: the guards' last word on every response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from zenith.kernel.errors import SecurityError
from zenith.kernel.problem import Problem, RawHeaders
from zenith.pipeline.exchange import NEVER, Exchange, Message, Send
from zenith.pipeline.refusal import refuse

Hook: TypeAlias = Callable[[Exchange], Awaitable[None] | None]
AcceptHook: TypeAlias = Callable[[Exchange, RawHeaders], None]
FORBIDDEN: Final = 403
RESPONSE_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


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
        kind = message["type"]
        if kind == "http.response.body":
            await self._send(message)
            return
        exchange = self._exchange
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
