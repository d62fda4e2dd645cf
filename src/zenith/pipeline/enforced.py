"""Endpoints, of any kind that frameworks call, behind a mark that enforces itself."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any, Final, TypeVar, overload

from anyio import from_thread
from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline.exchange import (
    ASGIApp,
    Exchange,
    Receive,
    Scope,
    Send,
    exchange_of,
    running_exchange,
)
from zenith.pipeline.marks import Mark, add_mark, declare_enforced, enforced_marks, marks_of

T = TypeVar("T")
SIGNATURE: Final = "__signature__"
DEPENDENCY_SIGNATURE: Final = inspect.Signature(
    [
        inspect.Parameter(
            "connection", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=HTTPConnection
        )
    ]
)


class EnforcedMark(Mark, ABC):
    """What guards enforce before the body is read, and what enforces itself when the endpoint is
    called: a decorator for endpoints of every kind, classes and applications, and a dependency.

    Threat: a declaration that holds only where a guard runs, or one that stands above the route's
    decorator and is on nothing that the route calls (ASVS 8.3.1). So the endpoint asks itself, and
    what was decorated carries the mark too, where guards and start checks find it.
    """

    __slots__ = ("__signature__", "__zenith_marks__")

    def __init__(self, signature: inspect.Signature = DEPENDENCY_SIGNATURE) -> None:
        self.__signature__: Final = signature
        self.__zenith_marks__: Final[tuple[Mark, ...]] = (self,)

    @abstractmethod
    async def enforce(self, exchange: Exchange) -> None:
        """Raise a SecurityError to refuse the request, unless a guard has already admitted it."""

    @abstractmethod
    def is_settled(self, exchange: Exchange) -> bool:
        """Whether a guard has already admitted the request, so that `enforce` would do nothing."""

    def bind(self, target: Any) -> EnforcedMark:
        """The mark for one endpoint; ConfigurationError for what it cannot be put on."""
        del target
        return self

    def wrap(self, target: Callable[..., Any]) -> Callable[..., Any]:
        """An endpoint of the same kind that asks before it runs."""
        return _wrapper(target, self)

    @overload
    def __call__(self, target: T, /) -> T: ...
    @overload
    def __call__(self, *, connection: HTTPConnection) -> Coroutine[Any, Any, None]: ...
    def __call__(self, *target: Any, **connection: HTTPConnection) -> Any:
        """Decorate an endpoint or wrap an application; FastAPI calls it as a dependency."""
        if connection:
            return self._as_dependency(**connection)
        return enforce_before(target[0], self.bind(target[0]))

    async def _as_dependency(self, connection: HTTPConnection) -> None:
        await self.enforce(exchange_of(connection.scope))

    # FastAPI unwraps callables to learn whether to await them.
    __call__.__wrapped__ = _as_dependency  # type: ignore[attr-defined]


def enforce_before(target: Any, mark: EnforcedMark) -> Any:
    """`target` behind `mark`. Raises ConfigurationError for what cannot be called."""
    if inspect.isclass(target):
        return _class(target, mark)
    if is_application(target):
        return EnforcedApplication(target, mark)
    if not callable(target):
        raise ConfigurationError(
            f"{mark!r} was put on {type(target).__name__}, which cannot be called",
            fix="put it on an endpoint function, or around an ASGI application",
        )
    wrapper = mark.wrap(target)
    signature = getattr(wrapper, SIGNATURE, None) or _signature_of(target)
    add_to_both(functools.update_wrapper(wrapper, target), target, mark)
    if signature is not None:
        setattr(wrapper, SIGNATURE, signature)
    return declare_enforced(wrapper, mark)


def _signature_of(target: Any) -> inspect.Signature | None:
    """What frameworks would find out twice for each route; None for what only they can tell."""
    try:
        return inspect.signature(target, eval_str=True)
    except Exception:  # noqa: BLE001  annotations are code, and may name what is not there yet
        return None


def add_to_both(wrapper: Any, target: Any, mark: Mark) -> None:
    """Mark what was made of an endpoint, and the endpoint too: if its route was registered before
    it was decorated, the start check finds a mark that the route does not enforce. A bound method
    carries nothing: it is made anew whenever it is asked for.
    """
    add_mark(wrapper, mark)
    if not inspect.ismethod(target):
        add_mark(target, mark)


def is_application(target: Any) -> bool:
    """Whether `target` is an object that is called as an ASGI application."""
    if not callable(target) or inspect.isroutine(target) or isinstance(target, functools.partial):
        return False
    return inspect.iscoroutinefunction(inspect.unwrap(type(target).__call__))


def _class(target: type, mark: EnforcedMark) -> type:
    dispatch = getattr(target, "dispatch", None)
    if dispatch is None:
        raise ConfigurationError(
            f"{mark!r} was put on class {target.__name__}, which has no dispatch()",
            fix="put it on an endpoint function, or on a Starlette endpoint class",
        )
    # Most classes inherit it: theirs is wrapped, and that of all stays as it is.
    wrapper = functools.update_wrapper(mark.wrap(dispatch), dispatch)
    setattr(target, "dispatch", wrapper)  # noqa: B010
    return declare_enforced(add_mark(target, mark), mark)


def _wrapper(target: Callable[..., Any], mark: EnforcedMark) -> Callable[..., Any]:
    """The endpoint's kind decides how frameworks call it, so each kind keeps its own."""
    if inspect.isasyncgenfunction(target):

        async def async_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            await mark.enforce(running_exchange())
            # Closed with this one: what it holds is not left to the garbage collector.
            async with aclosing(target(*args, **kwargs)) as items:
                async for item in items:
                    yield item

        return async_generator
    if inspect.isgeneratorfunction(target):

        def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
            _enforce_in_thread(mark)
            yield from target(*args, **kwargs)

        return generator
    if inspect.iscoroutinefunction(target):

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            await mark.enforce(running_exchange())
            return await target(*args, **kwargs)

        return coroutine

    def function(*args: Any, **kwargs: Any) -> Any:
        _enforce_in_thread(mark)
        return target(*args, **kwargs)

    return function


def _enforce_in_thread(mark: EnforcedMark) -> None:
    """Frameworks call plain functions in a worker thread; the store is asked on the loop."""
    exchange = running_exchange()
    if not mark.is_settled(exchange):
        from_thread.run(mark.enforce, exchange)  # pragma: no cover  # threads are not traced


class EnforcedApplication:
    """An ASGI application behind a mark: for mounts and bare callables."""

    def __init__(self, app: ASGIApp, mark: EnforcedMark) -> None:
        self.app: Final = app
        self._mark: Final = mark
        # What the application declares already stays visible to guards and start checks.
        for declared in (*marks_of(app), mark):
            add_mark(self, declared)
        for declared in (*enforced_marks(app), mark):
            declare_enforced(self, declared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._mark.enforce(exchange_of(scope))
        await self.app(scope, receive, send)
