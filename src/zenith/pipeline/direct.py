"""The short way to a route that was decided upon: past the framework's middlewares.

Around a decided route they all do one thing: they wait for an exception. So the route is called at
once, and they are given the exception if there is one. What a handler, a dependency or a client
can see of it is the same.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final

from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.datastructures import QueryParams
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request, cookie_parser

from zenith.pipeline.dispatch import RouteDispatch
from zenith.pipeline.exchange import EXCHANGE_KEY, ASGIApp, Message, Receive, Scope, Send
from zenith.pipeline.handlers import EndpointCall

FILES: Final = "fastapi_middleware_astack"
REQUEST: Final = "fastapi_inner_astack"
FUNCTION: Final = "fastapi_function_astack"
HANDLERS: Final = "starlette.exception_handlers"
FAILURE: Final = "zenith.failure"
NO_QUERY: Final = QueryParams()
COOKIE: Final = b"cookie"


class DirectCall:
    """A framework's stack of middlewares, and the way past it.

    `stack` is the whole framework, `failing` the same with `fail` in the place of the router,
    `handlers` what it tells its routes of exceptions. Where `application` has replaced dependencies
    for the moment, nothing is known of them.
    """

    __slots__ = ("_application", "_dispatch", "_failing", "_handlers", "_stack")

    def __init__(
        self,
        stack: ASGIApp,
        *,
        failing: ASGIApp,
        dispatch: RouteDispatch,
        handlers: Any,
        application: Any,
    ) -> None:
        self._stack: Final = stack
        self._failing: Final = failing
        self._dispatch: Final = dispatch
        self._handlers: Final = handlers
        self._application: Final = application

    @classmethod
    def around(
        cls, stack: ASGIApp, *, failing: ASGIApp, dispatch: RouteDispatch, application: Any
    ) -> ASGIApp:
        """The short way around `stack`; the stack itself where it is built in an unknown way."""
        handlers = handlers_in(stack)
        if handlers is None:
            return stack
        return cls(
            stack,
            failing=failing,
            dispatch=dispatch,
            handlers=handlers,
            application=application,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if MAX_BODY_SIZE_SCOPE_KEY in scope or (entry := self._dispatch.direct(scope)) is None:
            await self._stack(scope, receive, send)
            return
        scope[HANDLERS] = self._handlers
        handler = entry.handler()
        request = None
        try:
            if isinstance(handler, EndpointCall):
                known = _request if handler.needs_request else Request
                request = known(scope, receive, send)
                response = await handler(request)
                await response(scope, receive, send)
                return
            async with _Files() as files:
                scope[FILES] = files
                if handler is None or self._application.dependency_overrides:
                    route: Any = entry.listed
                    await route.app(scope, receive, send)
                else:
                    # No dependency has anything to close, so one stack stands for all three.
                    scope[REQUEST] = scope[FUNCTION] = files
                    request = _request(scope, receive, send)
                    response = await handler(request)
                    await response(scope, receive, send)
        except Exception as error:  # noqa: BLE001  the framework decides what becomes of it
            await self._recover(error, request, scope, receive, send)

    async def _recover(
        self, error: Exception, request: Request | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the framework answer: what stands around the handler, then what is further out."""
        scope[FAILURE] = error
        if request is not None:
            try:
                handled = wrap_app_handling_exceptions(fail, request)
                await handled(scope, receive, _drop if _has_started(scope) else send)
            except Exception as further:  # noqa: BLE001
                scope[FAILURE] = further
            else:
                return
        await self._failing(scope, receive, _drop if _has_started(scope) else send)


class _Files(AsyncExitStack):
    """What is to be closed; mostly nothing, and then there is nothing to do."""

    _exit_callbacks: Collection[Any]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        return bool(self._exit_callbacks and await super().__aexit__(kind, error, trace))


def _request(scope: Scope, receive: Receive, send: Send) -> Request:
    """The framework's request, with what it would find out anew each time filled in: parameters
    where there is no query, and cookies as its own parser reads them.
    """
    request = Request(scope, receive, send)
    known = vars(request)
    if not scope["query_string"]:
        known["_query_params"] = NO_QUERY
    sent = [value for name, value in scope["headers"] if name == COOKIE]
    if not sent:
        known["_cookies"] = {}
    elif len(sent) == 1:
        parsed = scope[EXCHANGE_KEY].head.facts
        cookies = parsed.get(sent[0])
        if cookies is None:
            cookies = parsed[sent[0]] = cookie_parser(sent[0].decode("latin-1"))
        known["_cookies"] = cookies.copy()
    return request


def handlers_in(stack: Any) -> Any:
    """What the framework's stack tells its routes of exceptions, or None if that is not found."""
    while stack is not None and not isinstance(stack, ExceptionMiddleware):
        stack = getattr(stack, "app", None)
    by_kind = getattr(stack, "_exception_handlers", None)
    by_status = getattr(stack, "_status_handlers", None)
    return None if by_kind is None or by_status is None else (by_kind, by_status)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand where the route stood, and fail as it has failed."""
    del receive
    if _has_started(scope):
        # Those around must know; the client has it already.
        await send({"type": "http.response.start", "status": 200, "headers": []})
    raise scope.pop(FAILURE)


def _has_started(scope: Scope) -> bool:
    started: bool = scope[EXCHANGE_KEY].started
    return started


async def _drop(message: Message) -> None:
    """Send nothing more than what was sent."""
    del message
