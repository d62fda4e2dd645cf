"""The guard that charges a request once it is known who calls."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import ClassVar, Final, TypeAlias

from zenith.pipeline import Exchange, Guard, Mark, Stage
from zenith.rate_limits.all_routes import common_limits
from zenith.rate_limits.charges import Charges
from zenith.rate_limits.declaration import RateLimitMark, limits_among
from zenith.rate_limits.endpoint import DeclaredLimit
from zenith.rate_limits.limiter import RateLimiter
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Hit, hits_of

Late: TypeAlias = tuple[Sequence[RateLimitMark], Sequence[DeclaredLimit]]
"""What is charged once it is known who calls: rates, then what counts otherwise."""
NOTHING: Final[Late] = ((), ())


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
        self._limits: Final = common_limits(given, given.per_principal, "principal")
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
