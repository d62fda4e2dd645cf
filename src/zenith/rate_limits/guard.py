"""The guards that charge a request: before anybody knows who calls, and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import client_key
from zenith.pipeline import Exchange, Guard, RouteTable, Stage, enforced_marks, marks_of
from zenith.rate_limits.charges import Charges
from zenith.rate_limits.declaration import RateLimitMark
from zenith.rate_limits.fields import legacy_fields, rate_limit_fields
from zenith.rate_limits.limit import Limit, parse_limits
from zenith.rate_limits.limiter import RateLimiter
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Hit


class RateLimitGuard(Guard):
    """Threat: one client that calls as fast as it can, to guess, to scrape or to exhaust.

    Charges the limit of all routes, by the client's address, and the limits of the route itself in
    one step of the store, before credentials are looked at and before the body is read (ASVS 2.4.1,
    6.3.1). Refused requests cost nothing further; see RateLimitStore. WebSocket handshakes count
    like requests, what is sent on the socket does not.
    """

    stage: ClassVar[Stage] = Stage.RATE_LIMIT
    consumes: ClassVar[tuple[type, ...]] = (RateLimitMark,)

    def __init__(self, limiter: RateLimiter, settings: RateLimitSettings | None = None) -> None:
        self._limiter: Final = limiter
        self._settings: Final = settings or RateLimitSettings()
        self._limits: Final = _defaults(self._settings, self._settings.per_address, "address")

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """Refuse the start for a limit that its route does not run; raises ConfigurationError."""
        del guards
        late = [
            f"  {entry.path}: {mark!r}"
            for entry in table.walk()
            for mark in marks_of(entry.endpoint)
            if isinstance(mark, RateLimitMark) and mark not in enforced_marks(entry.endpoint)
        ]
        if late:
            raise ConfigurationError(
                "rate limits that were attached after their route was registered:\n"
                + "\n".join(late),
                fix="put @rate_limit(...) below the route's decorator",
            )

    async def on_request(self, exchange: Exchange) -> None:
        """Charge what is known to be due; raises RateLimitError."""
        charges = exchange.state[Charges] = Charges(self._limiter)
        declared = [mark for mark in exchange.marks if isinstance(mark, RateLimitMark)]
        hits: list[Hit] = []
        if not any(mark.replaces_default for mark in declared):
            key = client_key(exchange.client)
            hits = [Hit(limit, key) for limit in self._limits]
        await charges.charge(exchange, [m for m in declared if not m.needs_principal], hits)

    async def on_response(self, exchange: Exchange) -> None:
        """Say what is left."""
        charges = exchange.state.get(Charges)
        if charges is None or not charges.usages:
            return
        if self._settings.headers:
            exchange.response_headers += rate_limit_fields(charges.hits, charges.usages)
        if self._settings.legacy_headers:
            exchange.response_headers += legacy_fields(charges.usages)


class PrincipalRateLimitGuard(Guard):
    """Threat: one account or key that works from many addresses at once.

    Charges the limit of all principals and what routes declare per principal or tenant, in one step
    of the store, before the body is read. It stands with the CSRF guard; list it after that one, so
    that pages of other sites cannot spend the limit of the user whose cookies they ride on. Without
    this guard routes still charge their own limits, but only once the body has been read. It adds
    no header fields where RateLimitGuard, which counts first, is missing.
    """

    stage: ClassVar[Stage] = Stage.CSRF
    consumes: ClassVar[tuple[type, ...]] = (RateLimitMark,)

    def __init__(self, limiter: RateLimiter, settings: RateLimitSettings | None = None) -> None:
        given = settings or RateLimitSettings()
        self._limiter: Final = limiter
        self._limits: Final = _defaults(given, given.per_principal, "principal")

    async def on_request(self, exchange: Exchange) -> None:
        """Charge what depends on who calls; raises RateLimitError."""
        marks = [m for m in exchange.marks if isinstance(m, RateLimitMark) and m.needs_principal]
        principal = exchange.principal
        hits: list[Hit] = []
        if principal.is_authenticated:
            key = f"{principal.kind}:{principal.subject}"
            hits = [Hit(limit, key) for limit in self._limits]
        charges = exchange.state.setdefault(Charges, Charges(self._limiter))
        await charges.charge(exchange, marks, hits)


def _defaults(settings: RateLimitSettings, limits: str | None, name: str) -> tuple[Limit, ...]:
    if limits is None:
        return ()
    return parse_limits(limits, strategy=settings.strategy, name=f"all:{name}", label=name)
