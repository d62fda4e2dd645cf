"""A challenge as a declaration on an endpoint."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

from starlette.requests import Request

from zenith.pipeline import EnforcedMark, Exchange, exchange_of

Check: TypeAlias = Callable[[Exchange, Request | None], Awaitable[None]]
PREFIX: Final = "zenith_challenge_"


class ChallengeMark(EnforcedMark):
    """Says that an endpoint runs once a challenge is met.

    Where FastAPI calls the endpoint, it first solves a dependency that is added to the signature,
    so that bodies are read once and nothing has been answered yet. Where others do, the endpoint
    asks: the request that it is given, or the header alone.
    """

    __slots__ = ("_action", "_check", "_dependency")

    def __init__(self, action: str, check: Check, dependency: Callable[[Any], Any]) -> None:
        super().__init__()
        self._action: Final = action
        self._check: Final = check
        self._dependency: Final = dependency(self.meet)

    def note(self) -> str:
        """Shown beside who may call."""
        return f"after the challenge `{self._action}`"

    def __repr__(self) -> str:
        return f"<challenge: {self._action}>"

    async def meet(self, request: Request) -> None:
        """Raise unless the challenge is met; asked once for each request."""
        await self._settle(exchange_of(request.scope), request)

    async def enforce(self, exchange: Exchange) -> None:
        """The same where there is no request to read the body of."""
        await self._settle(exchange, None)

    def is_settled(self, exchange: Exchange) -> bool:
        """Whether it is met."""
        return self in exchange.state

    async def _settle(self, exchange: Exchange, request: Request | None) -> None:
        if not self.is_settled(exchange):
            await self._check(exchange, request)
            exchange.state[self] = True

    def wrap(self, target: Callable[..., Any]) -> Callable[..., Any]:
        """The endpoint with the dependency among its parameters."""
        name = PREFIX + self._action
        inner = super().wrap(target)
        if inspect.iscoroutinefunction(target):

            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                kwargs.pop(name, None)
                for given in (*args, *kwargs.values()):
                    if isinstance(given, Request):
                        await self.meet(cast("Request", given))
                return await inner(*args, **kwargs)

            found: Callable[..., Any] = coroutine
        else:

            @functools.wraps(inner)
            def function(*args: Any, **kwargs: Any) -> Any:
                kwargs.pop(name, None)
                return inner(*args, **kwargs)

            found = function
        setattr(found, "__signature__", _extended(target, name, self._dependency))  # noqa: B010
        return found


def _extended(target: Callable[..., Any], name: str, dependency: object) -> inspect.Signature:
    try:
        signature = inspect.signature(target, eval_str=True)
    except NameError:
        # What is named there is not yet; the framework looks again.
        signature = inspect.signature(target)
    parameters = list(signature.parameters.values())
    added = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=dependency)
    rest = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    parameters.insert(len(parameters) - rest, added)
    return signature.replace(parameters=parameters)
