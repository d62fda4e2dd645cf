"""The guard that charges a request before anybody knows who calls."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import ClassVar, Final, TypeAlias

from zenith.kernel.network import client_key
from zenith.pipeline import Exchange, Guard, Mark, RouteTable, Stage
from zenith.rate_limits.all_routes import NO_LIMITS, CommonHits, common_limits
from zenith.rate_limits.charges import Charges
from zenith.rate_limits.declaration import RateLimitMark, check_limits, limits_among
from zenith.rate_limits.endpoint import DeclaredLimit
from zenith.rate_limits.fields import legacy_fields, rate_limit_fields
from zenith.rate_limits.limit import Limit
from zenith.rate_limits.limiter import RateLimiter
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import ClientHits, InstantRateLimitStore, hits_of

Due: TypeAlias = tuple[list[RateLimitMark], tuple[Limit, ...]]
"""What a request is charged before it is known who calls: declarations, then limits of all."""


class RateLimitGuard(Guard):
    """Threat: one client that calls as fast as it can, to guess, to scrape or to exhaust.

    Charges the limit of all routes, by the client's address, and the limits of the route itself in
    one step of the store, before credentials are looked at and before the body is read (ASVS 2.4.1,
    6.3.1). Refused requests cost nothing further; see RateLimitStore. WebSocket handshakes count
    like requests, what is sent on the socket does not.
    """

    stage: ClassVar[Stage] = Stage.RATE_LIMIT
    consumes: ClassVar[tuple[type, ...]] = (DeclaredLimit,)

    def __init__(self, limiter: RateLimiter, settings: RateLimitSettings | None = None) -> None:
        self._limiter: Final = limiter
        self._settings: Final = settings or RateLimitSettings()
        self._limits: Final = common_limits(self._settings, self._settings.per_address, "address")
        self._others: Final = CommonHits.of(self._settings)
        store = limiter.store
        self._instant: Final = store if isinstance(store, InstantRateLimitStore) else None
        is_single = len(self._limits) == 1 and self._others is None
        self._single: Final = self._limits if is_single else None
        self._hits: Final = ClientHits(self._limits)
        # One entry per set of marks that the routes declare, so the routes bound it.
        self._due: Final[dict[tuple[Mark, ...], Due]] = {}

    def check(self, table: RouteTable, guards: Sequence[Guard]) -> None:
        """Refuse the start for a limit that its route does not run; raises ConfigurationError."""
        del guards
        check_limits(table)

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Charge what is known to be due; raises RateLimitError."""
        charges = exchange.state[Charges] = Charges(self._limiter)
        declared, limits = self._due.get(exchange.marks) or self._find_due(exchange.marks)
        if self._instant is not None and limits is self._single and not declared:
            charges.charge_one(self._instant, self._hits[exchange.client])
            return None
        if self._others is None:
            hits = hits_of(limits, client_key(exchange.client))
        else:
            hits = self._others.hits(exchange.client, limits)
        return charges.charge(exchange, declared, hits)

    def _find_due(self, marks: tuple[Mark, ...]) -> Due:
        declared = limits_among(marks)
        replaced = any(mark.replaces_default for mark in declared)
        early = [mark for mark in declared if not mark.needs_principal]
        due = self._due[marks] = (early, NO_LIMITS if replaced else self._limits)
        return due

    def on_response(self, exchange: Exchange) -> None:
        """Say what is left."""
        charges = exchange.state.get(Charges)
        if charges is None or not charges.usages:
            return
        if self._settings.headers:
            exchange.response_headers += rate_limit_fields(
                charges.hits, charges.usages, legacy=self._settings.legacy_headers
            )
        elif self._settings.legacy_headers:
            exchange.response_headers += legacy_fields(charges.usages)
