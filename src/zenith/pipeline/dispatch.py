"""Calls the route that was decided upon, instead of looking for it a second time."""

from __future__ import annotations

from typing import Any, Final

from starlette.routing import Match

from zenith.pipeline.exchange import EXCHANGE_KEY, Exchange, Receive, Scope, Send
from zenith.pipeline.routes import RouteEntry

TELEMETRY: Final = "fastapi.telemetry"
PARAMS: Final = "path_params"
FRAMEWORK: Final = "fastapi"
"""Where FastAPI keeps what an application or router around this one has decided."""


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

    def direct(self, scope: Scope) -> RouteEntry | None:
        """The decided route, if it may be called as it is; `scope` is made ready for it."""
        exchange = scope.get(EXCHANGE_KEY)
        if (
            exchange is None
            or exchange.match is None
            or FRAMEWORK in scope
            or not self.holds(exchange, scope)
        ):
            return None
        entry: RouteEntry = exchange.entry
        route: Any = entry.listed
        params = exchange.match.groupdict()
        for name, value in params.items():
            params[name] = route.param_convertors[name].convert(value)
        scope[PARAMS] = {**scope[PARAMS], **params} if PARAMS in scope else params
        scope["endpoint"] = entry.endpoint
        scope["route"] = route
        scope.setdefault("router", self._router)
        return entry

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
