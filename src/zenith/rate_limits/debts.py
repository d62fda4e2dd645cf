"""What a process granted while it counted alone, until the shared counters know of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from zenith.kernel.clock import Clock
from zenith.rate_limits.store import Hit, RateLimitStore

MAX_OWED: Final = 65_536

_Key: TypeAlias = tuple[str, str]


class _Debt(NamedTuple):
    hit: Hit
    until: float


class Debts:
    """Hits that were admitted here alone, by limit and client, to be charged to the shared counters
    once they answer again.

    Threat: a client that makes the shared counters fail, again and again, to get his share anew
    each time. Bounded: of more than 65,536 the oldest are forgotten.
    """

    def __init__(self, clock: Clock, *, maximum: int = MAX_OWED) -> None:
        self._clock: Final = clock
        self._max: Final = maximum
        self._owed: Final[dict[_Key, _Debt]] = {}
        self._paying: Final[set[_Key]] = set()

    def __bool__(self) -> bool:
        """Whether anybody owes anything, or is just paying it."""
        return bool(self._owed or self._paying)

    def is_paying(self, hits: Sequence[Hit]) -> bool:
        """Whether the shared counters are just being told of one of these clients."""
        return any(_key(hit) in self._paying for hit in hits)

    def owe(self, hits: Sequence[Hit]) -> None:
        """Note hits that were admitted alone."""
        now = self._clock()
        for hit in hits:
            key, cost = _key(hit), hit.cost
            before = self._owed.pop(key, None)
            if before is not None and now < before.until:
                cost += before.hit.cost
            if len(self._owed) >= self._max:
                del self._owed[next(iter(self._owed))]
            debt = hit._replace(cost=min(cost, hit.limit.requests), partial=True)
            self._owed[key] = _Debt(debt, now + hit.limit.window)

    async def pay(self, hits: Sequence[Hit], shared: RateLimitStore) -> None:
        """Charge what the clients of `hits` owe; where that fails, they owe it still."""
        now = self._clock()
        due: dict[_Key, _Debt] = {}
        for key in map(_key, hits):
            debt = self._owed.pop(key, None)
            if debt is not None and now < debt.until:
                due[key] = debt
        if not due:
            return
        self._paying.update(due)
        try:
            await shared.hit([debt.hit for debt in due.values()])
        except BaseException:
            for key, debt in due.items():
                self._owed[key] = _sum(debt, self._owed.get(key))
            raise
        finally:
            self._paying.difference_update(due)


def _sum(debt: _Debt, newer: _Debt | None) -> _Debt:
    """Of one client: what he owed, and what he was granted while that could not be paid."""
    if newer is None:
        return debt
    hit = newer.hit
    cost = min(debt.hit.cost + hit.cost, hit.limit.requests)
    return _Debt(hit._replace(cost=cost), newer.until)


def _key(hit: Hit) -> _Key:
    return hit.limit.id, hit.key
