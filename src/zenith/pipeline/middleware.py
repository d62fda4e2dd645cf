"""The one ASGI middleware: every guard in its stage, one wrapper around `send`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from zenith.kernel.errors import HandlerTimeoutError, SecurityError
from zenith.kernel.problem import INTERNAL_ERROR
from zenith.pipeline.allow import AllMethods
from zenith.pipeline.deadlines import Deadlines
from zenith.pipeline.exchange import (
    EXCHANGE_KEY,
    NO_SERVICES,
    ASGIApp,
    Exchange,
    Receive,
    Scope,
    Send,
    current_exchange,
)
from zenith.pipeline.guard import Guard
from zenith.pipeline.heads import Heads
from zenith.pipeline.lifespan import run_lifespan
from zenith.pipeline.refusal import refuse, respond
from zenith.pipeline.response import AcceptHook, GuardedResponse, Hook
from zenith.pipeline.routes import RouteTable
from zenith.pipeline.stage import Stage

StartCheck: TypeAlias = Callable[[RouteTable, Sequence[Guard]], None]


class SecurityMiddleware:
    """Puts guards around any ASGI application.

    Wrap the finished application (`SecurityMiddleware(app, guards=[...])`) rather than adding the
    class with `add_middleware`: only from outside do the framework's own 404 and 500 pages pass
    through the guards.

    Raises ConfigurationError at the start of the application, or at its first request where the
    server sends no lifespan events, if `checks` find a route or a mark that nothing enforces.
    `services` are what handlers and dependencies may ask the exchange for, by type.
    `routes_from` is the object whose routes are read, where it is not `app` or behind it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        guards: Sequence[Guard],
        checks: Sequence[StartCheck] = (),
        services: Mapping[type, Any] = NO_SERVICES,
        routes_from: Any = None,
    ) -> None:
        self.app: Final = app
        self._services: Final = services
        self._source: Final = routes_from or _application_behind(app)
        self.guards: Final = tuple(sorted(guards, key=lambda guard: guard.stage))
        own = [check for guard in self.guards if (check := getattr(guard, "check", None))]
        self._checks: Final[tuple[StartCheck, ...]] = (*checks, *own)
        self._readdress: Final[tuple[Callable[[Scope], Scope], ...]] = tuple(
            guard.readdress for guard in self.guards if _overrides(guard, "readdress")
        )
        self._request_hooks: Final[tuple[Hook, ...]] = tuple(
            guard.on_request for guard in self.guards if _overrides(guard, "on_request")
        )
        outwards = tuple(reversed(self.guards))
        self._response_hooks: Final[tuple[Hook, ...]] = tuple(
            guard.on_response for guard in outwards if _overrides(guard, "on_response")
        )
        self._accept_hooks: Final[tuple[AcceptHook, ...]] = tuple(
            guard.on_accept for guard in outwards if _overrides(guard, "on_accept")
        )
        self._authenticates: Final = any(
            guard.stage is Stage.AUTHENTICATION for guard in self.guards
        )
        self._deadlines: Final = Deadlines()
        self._heads: Final = Heads()
        self._table: RouteTable | None = None
        self._started = False
        self._starting: Final = asyncio.Lock()
        _render_security_errors(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await run_lifespan(self, scope, receive, send)
            return
        for readdress in self._readdress:
            scope = readdress(scope)
        head = self._heads.of(scope["headers"])
        exchange = Exchange(scope, receive, self._services, head)
        if not self._started and not await self._start_late(exchange, send):
            return
        send = self._decide(exchange, send)
        outer = scope.get(EXCHANGE_KEY)
        if outer is not None and not self._authenticates:
            exchange.inherit(outer)
        scope[EXCHANGE_KEY] = exchange
        token = current_exchange.set(exchange)
        self._deadlines.enter(exchange)
        try:
            await self._serve(exchange, send)
        finally:
            try:
                settle = exchange.settle
                if settle is not None and (due := settle(None)) is not None:
                    await due
            finally:
                self._deadlines.leave(exchange)
                current_exchange.reset(token)
                # Else scope, body and exchange would hold each other until garbage is collected.
                exchange.receive, exchange.still = receive, None
                if outer is None:
                    scope.pop(EXCHANGE_KEY, None)
                else:
                    scope[EXCHANGE_KEY] = outer

    def _decide(self, exchange: Exchange, send: Send) -> Send:
        """Find the route. What was added since the table was made is found by a new one. Where none
        is found, whoever answers names the methods of all routes of the path.
        """
        table = self._table or self.prepare()
        entry, match = table.search(exchange.scope)
        current = table.is_current()
        if entry is None:
            if not current:
                table = self.prepare()
                entry, match = table.search(exchange.scope)
            if entry is None:
                return AllMethods(exchange.scope, send, table)
        exchange.route, exchange.marks = entry.path, entry.marks
        exchange.max_body_size = entry.max_body_size
        if entry.listed is not None and current:
            exchange.entry = entry
            exchange.match = match if entry.is_direct else None
        # A mount itself is what is found where no route behind it serves the request.
        return send if entry.children is None else AllMethods(exchange.scope, send, table)

    async def _start_late(self, exchange: Exchange, send: Send) -> bool:
        """Servers that send no lifespan events get here with the first request."""
        try:
            await self.start()
        except SecurityError as error:
            await GuardedResponse(exchange, send, self._response_hooks).refuse(error)
            return False
        return True

    async def start(self) -> None:
        """Start the guards, outermost first."""
        async with self._starting:
            if self._started:
                return
            running: list[Guard] = []
            try:
                for guard in self.guards:
                    await guard.startup()
                    running.append(guard)
            except BaseException:
                await _stop(running)
                raise
            self._started = True

    async def stop(self) -> None:
        """Stop the guards, innermost first."""
        if self._started:
            self._started = False
            await _stop(self.guards)

    def prepare(self) -> RouteTable:
        """Read the application's routes and run the start checks; raises ConfigurationError."""
        table = RouteTable(self._source)
        for check in self._checks:
            check(table, self.guards)
        self._table = table
        return table

    async def _serve(self, exchange: Exchange, send: Send) -> None:
        response = GuardedResponse(exchange, send, self._response_hooks, self._accept_hooks)
        try:
            for hook in self._request_hooks:
                waiting = hook(exchange)
                if waiting is not None:
                    await waiting
            await self.app(exchange.scope, exchange.receive, response)
        except SecurityError as error:
            if exchange.started and not exchange.is_websocket:
                raise
            await response.refuse(error)
        except asyncio.CancelledError:
            if exchange.started or not self._deadlines.ended(exchange):
                raise
            await response.refuse(HandlerTimeoutError(reason="deadline passed"))
        except Exception:
            # The last place where an unforeseen failure can still get headers and a clean page;
            # it goes on to the server, which logs it. What a refusal led to is not unforeseen.
            if not exchange.started:
                await refuse(exchange, INTERNAL_ERROR, response)
            if exchange.refusal is None:
                raise


async def _stop(guards: Sequence[Guard]) -> None:
    for guard in reversed(guards):
        await guard.shutdown()


def _application_behind(app: Any) -> Any:
    """Look through middlewares that keep what they wrap in `app`, until routes are found."""
    seen = app
    while not isinstance(getattr(seen, "routes", None), list):
        inner = getattr(seen, "app", None)
        if inner is None or inner is seen or not callable(inner):
            return app
        seen = inner
    return seen


def _overrides(guard: Guard, hook: str) -> bool:
    return getattr(type(guard), hook) is not getattr(Guard, hook)


def _render_security_errors(app: Any) -> None:
    """Teach a Starlette or FastAPI application to answer refusals raised by its own handlers."""
    add_handler = getattr(app, "add_exception_handler", None)
    if add_handler is not None:
        add_handler(SecurityError, respond)
