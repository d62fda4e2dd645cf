"""Calls the route that was decided upon, instead of looking for it a second time."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Final, cast

from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Match, Route

from zenith.pipeline.exchange import EXCHANGE_KEY, ASGIApp, Exchange, Message, Receive, Scope, Send

TELEMETRY: Final = "fastapi.telemetry"
FRAMEWORK: Final = "fastapi"
"""Where FastAPI keeps what an application or router around this one has decided."""
FILES: Final = "fastapi_middleware_astack"
HANDLERS: Final = "starlette.exception_handlers"
FAILURE: Final = "zenith.failure"


class RouteDispatch:
    """What an application's router calls: the decided route at once, or the router's own search.

    Threat: a decision about one route and a call of another (ASVS 8.2.1). The decided route is
    asked once more whether it serves the request, so conversion of parameters and all else stays
    the framework's. Wherever the request, the list of routes or the way in which routes match is
    not as it was decided on, the router searches as if this class did not exist, and declarations
    enforce themselves where the handler is called.
    """

    __slots__ = ("_router", "_search")

    def __init__(self, router: Any) -> None:
        self._router: Final = router
        self._search: Final = router.app

    @classmethod
    def install(cls, router: Any) -> RouteDispatch | None:
        """Put it into `router`, unless that has middleware or a search of its own."""
        if router.middleware_stack != router.app:
            return None
        dispatch = router.middleware_stack = cls(router)
        return dispatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = scope.get(EXCHANGE_KEY)
        if exchange is not None and self.holds(exchange, scope):
            route = exchange.entry.listed
            match, child = route.matches(scope)
            if match is Match.FULL:
                scope.setdefault("router", self._router)
                scope.update(child)
                await route.handle(scope, receive, send)
                return
        await self._search(scope, receive, send)

    def direct(self, scope: Scope) -> Route | None:
        """The decided route, if its application may be called as it is; `scope` is made ready."""
        exchange = scope.get(EXCHANGE_KEY)
        if (
            exchange is None
            or exchange.match is None
            or FRAMEWORK in scope
            or not self.holds(exchange, scope)
        ):
            return None
        route = cast(Route, exchange.entry.listed)
        params = exchange.match.groupdict()
        for name, value in params.items():
            params[name] = route.param_convertors[name].convert(value)
        scope["path_params"] = (
            {**scope["path_params"], **params} if "path_params" in scope else params
        )
        scope["endpoint"] = route.endpoint
        scope["route"] = route
        scope.setdefault("router", self._router)
        return route

    def holds(self, exchange: Exchange, scope: Scope) -> bool:
        """Whether what was decided is still so. Telemetry and limits of forms are the router's."""
        entry, routes = exchange.entry, self._router.routes
        return (
            entry is not None
            and entry.position < len(routes)
            and routes[entry.position] is entry.listed
            and scope["path"] == exchange.path
            and scope.get("root_path", "") == exchange.root_path
            and scope.get("method", "GET") == exchange.method
            and TELEMETRY not in scope
            and not getattr(self._router, "form_limits", None)
        )


class DirectCall:
    """A framework's stack of middlewares, and the way past it.

    Around a route that is decided upon, the framework's own middlewares do one thing: they wait for
    an exception. So the route is called at once, and the stack is given the exception if there is
    one. `stack` is the whole framework, `failing` the same with `fail` in the place of the
    router, `handlers` what it tells its routes of exceptions.
    """

    __slots__ = ("_dispatch", "_failing", "_handlers", "_stack")

    def __init__(
        self, stack: ASGIApp, *, failing: ASGIApp, dispatch: RouteDispatch, handlers: Any
    ) -> None:
        self._stack: Final = stack
        self._failing: Final = failing
        self._dispatch: Final = dispatch
        self._handlers: Final = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if MAX_BODY_SIZE_SCOPE_KEY in scope or (route := self._dispatch.direct(scope)) is None:
            await self._stack(scope, receive, send)
            return
        scope[HANDLERS] = self._handlers
        try:
            async with AsyncExitStack() as files:
                scope[FILES] = files
                await route.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  the framework decides what becomes of it
            scope[FAILURE] = error
            await self._failing(scope, receive, _drop if scope[EXCHANGE_KEY].started else send)


def handlers_in(stack: Any) -> Any:
    """What the framework's stack tells its routes of exceptions, or None if that is not found."""
    while stack is not None and not isinstance(stack, ExceptionMiddleware):
        stack = getattr(stack, "app", None)
    by_kind = getattr(stack, "_exception_handlers", None)
    by_status = getattr(stack, "_status_handlers", None)
    return None if by_kind is None or by_status is None else (by_kind, by_status)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand where the router stood, and fail as the route has failed."""
    del receive
    if scope[EXCHANGE_KEY].started:
        # The stack must know; the client has it already.
        await send({"type": "http.response.start", "status": 200, "headers": []})
    raise scope.pop(FAILURE)


async def _drop(message: Message) -> None:
    """Send nothing more than what was sent."""
    del message
