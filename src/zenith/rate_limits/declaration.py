"""`rate_limit(...)`: the limits of one route, as a decorator or a dependency.

A declaration is a mark, so that the guard charges it before the body is read, and it enforces
itself when the endpoint is called: what no guard has charged by then is charged there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import (
    Exchange,
    Mark,
    RouteTable,
    enforced_marks,
    exchange_of,
    marks_of,
)
from zenith.rate_limits.charges import charges_of
from zenith.rate_limits.endpoint import DeclaredLimit
from zenith.rate_limits.keys import (
    EARLY,
    NETWORK,
    CostFunction,
    Exemption,
    KeyFunction,
    KeyOf,
    Per,
    Prefixes,
    check_cost,
    connection_of,
    key_per,
    own_cost,
    own_key,
)
from zenith.rate_limits.limit import Limit, Limits, limits_of
from zenith.rate_limits.store import Hit
from zenith.rate_limits.strategies import StrategyName


class Charged:
    """Under which key a request is counted, and for how much."""

    __slots__ = ("_cost", "_exempt", "_key", "_key_of", "needs_principal")

    def __init__(
        self,
        per: Per,
        *,
        key: KeyFunction | None,
        cost: int | CostFunction,
        exempt: Exemption | None,
        prefixes: Prefixes,
    ) -> None:
        self._key_of: Final[KeyOf] = key_per(per, prefixes=prefixes)
        self._key: Final = key
        self._cost: Final = cost
        self._exempt: Final = exempt
        self.needs_principal: Final = key is None and per not in EARLY

    def of(self, exchange: Exchange, known: int | None = None) -> tuple[str, int]:
        """The key and the cost, which may be known; a cost of 0 for what is not charged."""
        if self._exempt is not None and self._exempt(connection_of(exchange)) is True:
            return "", 0
        cost = self._cost if known is None else known
        if not isinstance(cost, int):
            cost = own_cost(cost, exchange)
        return self.key(exchange), cost

    def key(self, exchange: Exchange) -> str:
        """The key alone."""
        return self._key_of(exchange) if self._key is None else own_key(self._key, exchange)


class RateLimitMark(DeclaredLimit):
    """Limits declared on a route.

    Threat: an expensive or guessable route that one caller may call as fast as it can (ASVS 2.4.1,
    6.3.1); and a limit that looks declared while nothing runs it.
    """

    __slots__ = (
        "_by_route",
        "_named",
        "_what",
        "limits",
        "replaces_default",
    )

    def __init__(
        self, limits: tuple[Limit, ...], *, what: Charged, named: bool, replaces_default: bool
    ) -> None:
        super().__init__()
        self.limits: Final = limits
        self.replaces_default: Final = replaces_default
        self._what: Final = what
        self._named: Final = named
        # One entry per route that the mark is on, so the routes bound it.
        self._by_route: Final[dict[str, tuple[Limit, ...]]] = {}

    @property
    def needs_principal(self) -> bool:
        """Whether it can be charged only once it is known who calls."""
        return self._what.needs_principal

    def hits(self, exchange: Exchange, cost: int | None = None) -> list[Hit]:
        """What this request is charged: what is declared, or `cost`."""
        key, cost = self._what.of(exchange, cost)
        if not cost:
            return []
        limits = self.limits if self._named else self._limits_of(exchange.route)
        return [Hit(limit, key, cost) for limit in limits]

    async def charge(self, connection: HTTPConnection, cost: int = 1) -> None:
        """Charge it once more: for each message of a WebSocket, for each part of a batch.

        `await messages.charge(websocket)` with `messages = rate_limit("10/second", ...)`. Raises
        RateLimitError, which closes a socket with 1008 where nothing catches it, and ValueError
        for a cost that is no whole number of 1 or more.
        """
        check_cost(cost)
        exchange = exchange_of(connection.scope)
        await charges_of(exchange).charge(exchange, (), self.hits(exchange, cost))

    async def settle(self, connection: HTTPConnection, cost: int) -> None:
        """Say what the request cost in the end, in the handler or after the answer was sent.

        What exceeds the cost that was charged before is charged now, as much as is left of each
        limit, so that what follows has to wait. Never refuses, and gives nothing back: a cost that
        is guessed too high would be a way to look whether there is room. Raises ConfigurationError
        for a limit that the request was not charged for, and ValueError for a cost that is no whole
        number of 0 or more.
        """
        check_cost(cost, least=0)
        exchange = exchange_of(connection.scope)
        charges = charges_of(exchange)
        if not charges.has(self):
            raise ConfigurationError(
                f"{self!r} was settled, but this request was not charged for it",
                fix="give it a name, and put it on the route: rate_limit(..., name=...)",
            )
        await charges.settle(exchange, self, cost)

    async def enforce(self, exchange: Exchange) -> None:
        """Charge the request unless a guard already has; raises RateLimitError."""
        await charges_of(exchange).charge(exchange, (self,))

    def _limits_of(self, route: str) -> tuple[Limit, ...]:
        """As a dependency without a name: the counters belong to the route."""
        limits = self._by_route.get(route)
        if limits is None:
            name = f"route {route}"
            limits = tuple(limit.named(name, label="route") for limit in self.limits)
            self._by_route[route] = limits
        return limits

    def bind(self, target: Any) -> RateLimitMark:
        """The mark for one endpoint: what is counted is called like it, unless it has a name."""
        if self._named:
            return self
        module = getattr(target, "__module__", "")
        name = getattr(target, "__qualname__", type(target).__qualname__)
        return RateLimitMark(
            tuple(limit.named(f"{module}.{name}", label="route") for limit in self.limits),
            what=self._what,
            named=True,
            replaces_default=self.replaces_default,
        )

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
    prefixes: Prefixes = NETWORK,
    cost: int | CostFunction = 1,
    exempt: Exemption | None = None,
    name: str = "",
    replaces_default: bool = False,
) -> RateLimitMark:
    """Limit a route: `@rate_limit("10/minute;100/hour")`, `@rate_limit(requests=10, window=60)`.

    Below the route's decorator, around an ASGI application, or `Depends(rate_limit(...))`.
    `limits` wins over `requests` and `window` (seconds).

    - `per`: each client `address` (IPv6: /64), `network` (`prefixes`: bits of IPv4 and IPv6),
      `principal`, `account` (with all of its keys), `api_key`, `tenant` (who has none is counted
      by what is next, at last by address), or `everyone` together. `key_func` returns the key
      instead; it runs before authentication. A key that clients choose freely limits nobody.
    - `cost`: how much one request spends, or a function that tells; see also `settle`.
    - `exempt`: a function of the request; where it returns True, nothing is charged.
    - Counters belong to the endpoint, whichever path and method leads to it, or to the route's path
      where the limit is a dependency; `name` shares them between all that bear it.
    - `replaces_default` takes this route out of the limit that all routes share.

    Raises ConfigurationError for limits and keys that do not exist, and costs never to be paid.
    """
    given: Limits = Limit(requests, window, strategy) if limits is None else limits
    counted = limits_of(given, name=name or "route", label="route", strategy=strategy)
    _check_cost(cost, most=min(limit.requests for limit in counted))
    return RateLimitMark(
        counted,
        what=Charged(per, key=key_func, cost=cost, exempt=exempt, prefixes=prefixes),
        named=bool(name),
        replaces_default=replaces_default,
    )


def _check_cost(cost: object, *, most: int) -> None:
    if not callable(cost) and (type(cost) is not int or not 1 <= cost <= most):
        raise ConfigurationError(
            f"rate_limit(cost={cost!r}) can never be paid", fix="take 1 up to the smallest limit"
        )


def limits_among(marks: Iterable[Mark]) -> list[RateLimitMark]:
    """The declared rate limits among what a route declares."""
    return [mark for mark in marks if isinstance(mark, RateLimitMark)]


def check_limits(table: RouteTable) -> None:
    """Raise ConfigurationError for a limit that its route does not run."""
    late = [
        f"  {entry.path}: {mark!r}"
        for entry in table.walk()
        for mark in marks_of(entry.endpoint)
        if isinstance(mark, DeclaredLimit) and mark not in enforced_marks(entry.endpoint)
    ]
    if late:
        raise ConfigurationError(
            "limits that were attached after their route was registered:\n" + "\n".join(late),
            fix="put @rate_limit(...) and its like below the route's decorator",
        )
