"""`Quota(...)`: what a plan allows, as a decorator or a dependency."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Final, TypeAlias

from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Exchange, exchange_of
from zenith.rate_limits.allowance import Allowance, parse_allowance
from zenith.rate_limits.charges import charges_of
from zenith.rate_limits.declaration import Charged
from zenith.rate_limits.endpoint import DeclaredLimit
from zenith.rate_limits.errors import QuotaError
from zenith.rate_limits.keys import (
    NETWORK,
    CostFunction,
    Exemption,
    KeyFunction,
    Per,
    Prefixes,
    connection_of,
)
from zenith.rate_limits.quotas import Quotas
from zenith.rate_limits.store import Hit
from zenith.rate_limits.strategies import Usage

PlanFunction: TypeAlias = Callable[[HTTPConnection], str | Awaitable[str]]
"""Takes the request, gives the name of the caller's plan."""
Plans: TypeAlias = Mapping[str, str | None]
ONE: Final = ""


class Quota(DeclaredLimit):
    """How much a caller may spend in a month, a day, or any such time; kept in the database.

    `calls = Quota("100000/month", per="tenant")`, then `@calls` below the decorator of each route
    that it is about, or `Depends(calls)`. All of them spend from it together.

    - `allowance`: `100000/month` (hour, day, week, month or year of the calendar, UTC) or
      `1000/30 days` (the time that ends now); or one for each plan, None for a plan without a
      quota: `Quota({"free": "100/day", "paid": None}, plan=plan_of)`.
    - `plan`: a function of the request, asynchronous or not, that names the caller's plan. It is
      asked for each request, so a change of plan holds at once; what was spent stays spent.
    - `per`, `key_func`, `prefixes`, `cost` and `exempt` as for `rate_limit`.
    - `name`: quotas of one name share their counts. Clients read it in `RateLimit`.

    Threat: see Quotas. Refused with 429, `quota_exceeded`, and the time until there is more as
    Retry-After. Raises ConfigurationError for what is no quota, for plans without `plan`, and, at a
    request, for a plan that does not exist.
    """

    __slots__ = ("_allowances", "_name", "_plan", "_what")

    def __init__(
        self,
        allowance: str | Plans,
        *,
        name: str = "quota",
        per: Per = "tenant",
        key_func: KeyFunction | None = None,
        prefixes: Prefixes = NETWORK,
        cost: int | CostFunction = 1,
        exempt: Exemption | None = None,
        plan: PlanFunction | None = None,
    ) -> None:
        super().__init__()
        plans: Plans = {ONE: allowance} if isinstance(allowance, str) else allowance
        if (plan is None) is not isinstance(allowance, str) or not plans:
            raise ConfigurationError(
                "a quota for plans needs the function that tells the plan, and the other way round",
                fix='write Quota("100/day") or Quota({"free": "100/day"}, plan=plan_of)',
            )
        if not callable(cost) and (type(cost) is not int or cost < 1):
            raise ConfigurationError(f"Quota(cost={cost!r}) is no cost", fix="take 1 or more")
        self._allowances: Final = {
            known: None if text is None else _Shown(parse_allowance(text), name)
            for known, text in plans.items()
        }
        self._plan: Final = plan
        self._name: Final = name
        self._what: Final = Charged(per, key=key_func, cost=cost, exempt=exempt, prefixes=prefixes)

    @property
    def needs_principal(self) -> bool:
        """Whether it can be charged only once it is known who calls."""
        return self._what.needs_principal

    async def enforce(self, exchange: Exchange) -> None:
        """Charge the request unless it was charged; raises QuotaError."""
        charges = charges_of(exchange)
        if charges.begin(self):
            key, cost = self._what.of(exchange)
            shown = await self._shown(exchange) if cost else None
            if shown is not None:
                usage = await exchange.service(Quotas).charge(
                    self._name, shown.allowance, key, cost
                )
                charges.show(Hit(shown.limit, key, cost), usage)
                if not usage.allowed:
                    raise QuotaError(retry_after=usage.retry_after, reason=f"over {shown.limit.id}")

    async def usage(self, connection: HTTPConnection) -> Usage | None:
        """Where the caller stands, for a page that shows it; None where nothing limits it."""
        exchange = exchange_of(connection.scope)
        shown = await self._shown(exchange)
        if shown is None:
            return None
        key = self._what.key(exchange)
        return await exchange.service(Quotas).usage(self._name, shown.allowance, key)

    async def _shown(self, exchange: Exchange) -> _Shown | None:
        if self._plan is None:
            return self._allowances[ONE]
        found = self._plan(connection_of(exchange))
        plan = await found if isawaitable(found) else found
        if plan not in self._allowances:
            raise ConfigurationError(
                f"{plan!r} is no plan of {self!r}", fix="name one of " + ", ".join(self._allowances)
            )
        return self._allowances[plan]

    def __repr__(self) -> str:
        return f"<quota: {self._name}>"


class _Shown:
    """An allowance, and the limit by which headers show it."""

    __slots__ = ("allowance", "limit")

    def __init__(self, allowance: Allowance, name: str) -> None:
        self.allowance: Final = allowance
        self.limit: Final = allowance.limit(name)
