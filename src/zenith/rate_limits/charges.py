"""What one request was charged so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Exchange
from zenith.rate_limits.limiter import RateLimiter, refuse_over
from zenith.rate_limits.store import Hit, InstantRateLimitStore
from zenith.rate_limits.strategies import Usage


class Chargeable(Protocol):
    """A declaration that knows what a request is to be charged for."""

    def hits(self, exchange: Exchange, cost: int | None = None) -> Sequence[Hit]: ...


class Charges:
    """The limits of one request, with what they said; no declaration is charged twice."""

    __slots__ = ("_limiter", "_paid", "hits", "usages")

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter: Final = limiter
        self._paid: dict[object, int] = {}
        self.hits: Sequence[Hit] = ()
        self.usages: Sequence[Usage] = ()

    def has(self, mark: object) -> bool:
        """Whether this very declaration was charged."""
        return mark in self._paid

    def begin(self, mark: object) -> bool:
        """Note that a declaration is charged now; False where it was before."""
        if mark in self._paid:
            return False
        self._paid[mark] = 0
        return True

    def show(self, hit: Hit, usage: Usage) -> None:
        """Tell of one more limit in the answer's headers."""
        self.hits, self.usages = [*self.hits, hit], [*self.usages, usage]

    async def charge(
        self, exchange: Exchange, marks: Sequence[Chargeable], hits: Sequence[Hit] = ()
    ) -> None:
        """Charge `hits` and what `marks` ask for in one step; raises RateLimitError."""
        due = self._with_hits_of(marks, exchange, hits) if marks else hits
        if not due:
            return
        usages = await self._limiter.store.hit(due)
        if self.hits:
            due, usages = [*self.hits, *due], [*self.usages, *usages]
        self.hits, self.usages = due, usages
        refuse_over(due, usages)

    async def settle(self, exchange: Exchange, mark: Chargeable, cost: int) -> None:
        """Charge what a declaration's request cost beyond what was charged for it, up to what is
        left of its limits. One that the declaration exempts is not charged.
        """
        paid = self._paid.get(mark, 0)
        due = mark.hits(exchange, cost - paid) if cost > paid else ()
        more = [hit._replace(partial=True) for hit in due]
        if more:
            self._paid[mark] = cost
            await self._limiter.store.hit(more)

    def charge_one(self, store: InstantRateLimitStore, hit: Hit) -> None:
        """Charge the first hit of a request at once; raises RateLimitError."""
        usage = store.hit_one(hit)
        self.hits, self.usages = (hit,), (usage,)
        if not usage.allowed:
            refuse_over(self.hits, self.usages)

    def _with_hits_of(
        self, marks: Sequence[Chargeable], exchange: Exchange, hits: Sequence[Hit]
    ) -> list[Hit]:
        due = list(hits)
        for mark in marks:
            if mark not in self._paid:
                asked = mark.hits(exchange)
                self._paid[mark] = asked[0].cost if asked else 0
                due += asked
        return due


def charges_of(exchange: Exchange) -> Charges:
    """The charges of a request; raises ConfigurationError where no guard keeps any."""
    charges = exchange.state.get(Charges)
    if not isinstance(charges, Charges):
        raise ConfigurationError(
            "a rate limit was reached without its guard",
            fix="add RateLimitGuard(RateLimiter(store)) to the guards",
        )
    return charges
