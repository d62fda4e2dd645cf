"""`rate_limit(...)`: the limits of one route, as a decorator or a dependency.

A declaration is a mark, so that the guard charges it before the body is read, and it enforces
itself when the endpoint is called: what no guard has charged by then is charged there.
"""

from __future__ import annotations

import inspect
from collections.abc import Coroutine, Iterable
from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args, overload

from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import client_key
from zenith.pipeline import (
    Exchange,
    Mark,
    RouteTable,
    enforced_marks,
    exchange_of,
    marks_of,
)
from zenith.rate_limits.endpoint import EnforceableMark, enforce_before
from zenith.rate_limits.keys import KeyFunction, own_key
from zenith.rate_limits.limit import Limit, Limits, limits_of
from zenith.rate_limits.store import Hit
from zenith.rate_limits.strategies import StrategyName

T = TypeVar("T")
Per: TypeAlias = Literal["address", "principal", "tenant", "everyone"]

_DEPENDENCY_SIGNATURE: Final = inspect.Signature(
    [
        inspect.Parameter(
            "connection", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=HTTPConnection
        )
    ]
)


class RateLimitMark(EnforceableMark):
    """Limits declared on a route.

    Threat: an expensive or guessable route that one caller may call as fast as it can (ASVS 2.4.1,
    6.3.1); and a limit that looks declared while nothing runs it.
    """

    __slots__ = (
        "__signature__",
        "__zenith_marks__",
        "_by_route",
        "_cost",
        "_key",
        "_named",
        "_per",
        "limits",
        "replaces_default",
    )

    def __init__(
        self,
        limits: tuple[Limit, ...],
        *,
        per: Per,
        key: KeyFunction | None,
        cost: int,
        named: bool,
        replaces_default: bool,
    ) -> None:
        self.limits: Final = limits
        self.replaces_default: Final = replaces_default
        self._per: Final = per
        self._key: Final = key
        self._cost: Final = cost
        self._named: Final = named
        # One entry per route that the mark is on, so the routes bound it.
        self._by_route: Final[dict[str, tuple[Limit, ...]]] = {}
        self.__signature__: Final = _DEPENDENCY_SIGNATURE
        self.__zenith_marks__: Final[tuple[Mark, ...]] = (self,)

    @property
    def needs_principal(self) -> bool:
        """Whether it can be charged only once it is known who calls."""
        return self._key is None and self._per in ("principal", "tenant")

    def hits(self, exchange: Exchange) -> list[Hit]:
        """What this request is charged."""
        key, cost = self._key_of(exchange), self._cost
        limits = self.limits if self._named else self._limits_of(exchange.route)
        return [Hit(limit, key, cost) for limit in limits]

    def _limits_of(self, route: str) -> tuple[Limit, ...]:
        """As a dependency without a name: the counters belong to the route."""
        limits = self._by_route.get(route)
        if limits is None:
            name = f"route {route}"
            limits = tuple(limit.named(name, label="route") for limit in self.limits)
            self._by_route[route] = limits
        return limits

    def _key_of(self, exchange: Exchange) -> str:
        if self._key is not None:
            return own_key(self._key, exchange)
        principal = exchange.principal
        if self._per == "everyone":
            return ""
        if self._per == "tenant" and principal.tenant is not None:
            return f"tenant:{principal.tenant}"
        if self.needs_principal and principal.is_authenticated:
            return f"{principal.kind}:{principal.subject}"
        # Nobody escapes a limit per account by not signing in.
        return client_key(exchange.client)

    def bind(self, target: Any) -> RateLimitMark:
        """The mark for one endpoint: what is counted is called like it, unless it has a name."""
        if self._named:
            return self
        module = getattr(target, "__module__", "")
        name = getattr(target, "__qualname__", type(target).__qualname__)
        return RateLimitMark(
            tuple(limit.named(f"{module}.{name}", label="route") for limit in self.limits),
            per=self._per,
            key=self._key,
            cost=self._cost,
            named=True,
            replaces_default=self.replaces_default,
        )

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

    def __repr__(self) -> str:
        return "<rate limit: " + ", ".join(limit.id for limit in self.limits) + ">"


def rate_limit(
    limits: Limits | None = None,
    *,
    requests: int = 100,
    window: int = 60,
    strategy: StrategyName = "sliding_window",
    key_func: KeyFunction | None = None,
    per: Per = "address",
    cost: int = 1,
    name: str = "",
    replaces_default: bool = False,
) -> RateLimitMark:
    """Limit a route: `@rate_limit("10/minute;100/hour")`, `@rate_limit(requests=10, window=60)`.

    Below the route's decorator, around an ASGI application, or `Depends(rate_limit(...))`.

    - `limits` wins over `requests` and `window` (seconds).
    - `per`: each client `address` (IPv6: /64), each `principal` or `tenant` (the anonymous are
      counted by address), or `everyone` together. `key_func` takes the request and returns the key
      instead; it runs before authentication. A key that clients choose freely limits nobody.
    - `cost`: how much one request spends.
    - Counters belong to the endpoint, whichever path and method leads to it, or to the route's path
      where the limit is a dependency; `name` shares them between all that bear it.
    - `replaces_default` takes this route out of the limit that all routes share.

    Raises ConfigurationError for limits, strategies and keys that do not exist, and for a cost that
    no request could ever pay.
    """
    given: Limits = Limit(requests, window, strategy) if limits is None else limits
    counted = limits_of(given, name=name or "route", label="route", strategy=strategy)
    _check(per, cost, most=min(limit.requests for limit in counted))
    return RateLimitMark(
        counted,
        per=per,
        key=key_func,
        cost=cost,
        named=bool(name),
        replaces_default=replaces_default,
    )


def _check(per: object, cost: object, *, most: int) -> None:
    if per not in get_args(Per):
        raise ConfigurationError(
            f"rate_limit(per={per!r}) does not exist", fix="choose " + ", ".join(get_args(Per))
        )
    if type(cost) is not int or not 1 <= cost <= most:
        raise ConfigurationError(
            f"rate_limit(cost={cost!r}) can never be paid", fix="take 1 up to the smallest limit"
        )


def limits_among(marks: Iterable[Mark]) -> list[RateLimitMark]:
    """The declared limits among what a route declares."""
    return [mark for mark in marks if isinstance(mark, RateLimitMark)]


def check_limits(table: RouteTable) -> None:
    """Raise ConfigurationError for a limit that its route does not run."""
    late = [
        f"  {entry.path}: {mark!r}"
        for entry in table.walk()
        for mark in limits_among(marks_of(entry.endpoint))
        if mark not in enforced_marks(entry.endpoint)
    ]
    if late:
        raise ConfigurationError(
            "rate limits that were attached after their route was registered:\n" + "\n".join(late),
            fix="put @rate_limit(...) below the route's decorator",
        )
