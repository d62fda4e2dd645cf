"""The guards that charge a request: before anybody knows who calls, and after."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from zenith.kernel.network import client_key, parse_address, parse_networks
from zenith.pipeline import Exchange, Guard, Mark, RouteTable, Stage
from zenith.rate_limits.charges import Charges
from zenith.rate_limits.declaration import RateLimitMark, check_limits, limits_among
from zenith.rate_limits.endpoint import DeclaredLimit
from zenith.rate_limits.fields import legacy_fields, rate_limit_fields
from zenith.rate_limits.keys import IPV4_BITS, network_key
from zenith.rate_limits.limit import Limit, parse_limits
from zenith.rate_limits.limiter import RateLimiter
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import ClientHits, Hit, InstantRateLimitStore, Slot, hits_of

if TYPE_CHECKING:
    from zenith.rate_limits.concurrency import ConcurrencyLimiter

Due: TypeAlias = tuple[list[RateLimitMark], tuple[Limit, ...]]
"""What a request is charged before it is known who calls: declarations, then limits of all."""


CLIENT_BITS: Final = 64
NO_LIMITS: Final[tuple[Limit, ...]] = ()


Late: TypeAlias = tuple[Sequence[RateLimitMark], Sequence[DeclaredLimit]]
"""What is charged once it is known who calls: rates, then what counts otherwise."""
NOTHING: Final[Late] = ((), ())


class _Others:
    """What the limits of all routes are besides one for each address as it is."""

    __slots__ = ("_exempt", "_prefixes", "_wide", "_wide_prefixes")

    def __init__(self, settings: RateLimitSettings) -> None:
        self._exempt: Final = parse_networks(settings.exempt_networks, setting="exempt_networks")
        self._prefixes: Final = (IPV4_BITS, settings.address_prefix)
        self._wide: Final = _defaults(settings, settings.per_network, "network")
        self._wide_prefixes: Final = settings.network_prefixes

    @classmethod
    def of(cls, settings: RateLimitSettings) -> _Others | None:
        """None where there is nothing of the kind, which costs nothing then."""
        is_usual = settings.address_prefix == CLIENT_BITS
        nothing = not settings.exempt_networks and settings.per_network is None
        return None if nothing and is_usual else cls(settings)

    def hits(self, address: str, limits: tuple[Limit, ...]) -> list[Hit]:
        """What all routes charge a client; nothing where they charge nothing."""
        if limits is NO_LIMITS or self._is_exempt(address):
            return []
        return [
            *hits_of(limits, network_key(address, self._prefixes)),
            *hits_of(self._wide, network_key(address, self._wide_prefixes)),
        ]

    def _is_exempt(self, address: str) -> bool:
        if not self._exempt:
            return False
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._exempt)


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
        self._limits: Final = _defaults(self._settings, self._settings.per_address, "address")
        self._others: Final = _Others.of(self._settings)
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


class PrincipalRateLimitGuard(Guard):
    """Threat: one account or key that works from many addresses at once.

    Charges the limit of all principals and what routes declare per principal or tenant, in one step
    of the store, before the body is read; then the quotas and concurrency limits of the route. It
    stands with the CSRF guard; list it after that one, so that pages of other sites cannot spend
    the limit of the user whose cookies they ride on. Without this guard routes still charge their
    own limits, but only once the body has been read. It adds no header fields where RateLimitGuard,
    which counts first, is missing.
    """

    stage: ClassVar[Stage] = Stage.CSRF
    consumes: ClassVar[tuple[type, ...]] = (DeclaredLimit,)

    def __init__(self, limiter: RateLimiter, settings: RateLimitSettings | None = None) -> None:
        given = settings or RateLimitSettings()
        self._limiter: Final = limiter
        self._limits: Final = _defaults(given, given.per_principal, "principal")
        self._declared: Final[dict[tuple[Mark, ...], Late]] = {}

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Charge what depends on who calls; raises RateLimitError."""
        late = self._declared.get(exchange.marks) or self._find(exchange.marks)
        if late is NOTHING and not self._limits and Charges in exchange.state:
            return None
        principal = exchange.principal
        hits: list[Hit] = []
        if principal.is_authenticated:
            hits = hits_of(self._limits, f"{principal.kind}:{principal.subject}")
        charges: Charges = exchange.state.setdefault(Charges, Charges(self._limiter))
        marks, others = late
        if others:
            return _charge_all(charges, exchange, marks, hits, others)
        return charges.charge(exchange, marks, hits)

    def _find(self, marks: tuple[Mark, ...]) -> Late:
        rates = [mark for mark in limits_among(marks) if mark.needs_principal]
        others = [
            mark
            for mark in marks
            if isinstance(mark, DeclaredLimit) and not isinstance(mark, RateLimitMark)
        ]
        late = self._declared[marks] = (rates, others) if rates or others else NOTHING
        return late


async def _charge_all(
    charges: Charges,
    exchange: Exchange,
    marks: Sequence[RateLimitMark],
    hits: Sequence[Hit],
    others: Sequence[DeclaredLimit],
) -> None:
    """Rates first: who is over one spends nothing of a quota and holds no place."""
    await charges.charge(exchange, marks, hits)
    for mark in others:
        await mark.enforce(exchange)


class ConcurrencyGuard(Guard):
    """Threat: slow requests held open until nothing is left for others.

    Lets each client address, and all together, have so many requests in flight as the settings say
    (ASVS 2.4.1, 15.2.2), before anybody knows who calls. What routes declare is not its matter.
    """

    stage: ClassVar[Stage] = Stage.RATE_LIMIT

    def __init__(self, limiter: ConcurrencyLimiter, settings: RateLimitSettings) -> None:
        self._limiter: Final = limiter
        self._per_address: Final = settings.concurrent_per_address
        self._in_all: Final = settings.concurrent

    def on_request(self, exchange: Exchange) -> Awaitable[None]:
        """Hold a place until the answer ends; raises ConcurrencyError or BusyError."""
        slots: list[Slot] = []
        if self._per_address is not None:
            slots.append(Slot("all:address", client_key(exchange.client), self._per_address))
        if self._in_all is not None:
            slots.append(Slot("all", "", self._in_all))
        return self._limiter.enter(exchange, slots)


def _defaults(settings: RateLimitSettings, limits: str | None, name: str) -> tuple[Limit, ...]:
    if limits is None:
        return ()
    return parse_limits(limits, strategy=settings.strategy, name=f"all:{name}", label=name)
