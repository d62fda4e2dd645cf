"""What rate limits need from a store: one verb, whole and atomic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias, runtime_checkable

from zenith.kernel.network import client_key
from zenith.rate_limits.allowance import Span
from zenith.rate_limits.limit import Limit
from zenith.rate_limits.strategies import Usage

MAX_READY: Final = 4096


class Hit(NamedTuple):
    """One request, or a weighty one, against one limit of one client."""

    limit: Limit
    key: str
    """The client, account or whatever is limited. Stores outside the process keep a digest only."""
    cost: int = 1
    partial: bool = False
    """Whether as much as is left is charged where `cost` is more; then it is never refused. For
    what is known only after the work was done."""


def hits_of(limits: Sequence[Limit], key: str) -> list[Hit]:
    """One hit of `key` against each of the limits."""
    # What NamedTuple's own constructor calls; a third of its time, on every request.
    return [tuple.__new__(Hit, (limit, key, 1, False)) for limit in limits]


class ClientHits(dict[str, Hit]):
    """The hit of each address against the first of `limits`, kept ready for the clients of late."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        super().__init__()
        self._limits: Final = limits

    def __missing__(self, address: str) -> Hit:
        if len(self) >= MAX_READY:
            self.clear()
        hit = self[address] = Hit(self._limits[0], client_key(address))
        return hit


@runtime_checkable
class RateLimitStore(Protocol):
    """Counters that may be lost, never wrong: at no time is more admitted than the limit."""

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Usage]:
        """Charge several limits in one atomic step; one usage per hit, in their order.

        - All hits are admitted: every one is charged.
        - Any is refused: none is charged. Being refused by one limit costs nothing at another (no
          double punishment), and gains nothing either: what was charged before stays charged, and
          a request that does no work need not be counted as work.
        - The same limit and key twice in one call is charged twice, and admitted if both fit.
        - A store that spreads clients over servers may step from one *key* to the next, in the
          order given, and stop at the first that refuses: then keys before it stay charged. Hits
          of one key are always one step. So put the key first that should bear the cost: the
          caller's address before the account that it names.

        In a refused call the usages of limits that did not refuse show what could be told without
        charging them. Raises RateLimitStoreError where the store does not answer in time and
        ValueError for a cost below 1.
        """
        ...


@runtime_checkable
class InstantRateLimitStore(RateLimitStore, Protocol):
    """A store in this process's own memory, which answers without waiting for anybody."""

    def hit_one(self, hit: Hit) -> Usage:
        """Charge one limit, as `hit` does."""
        ...


class Taken(NamedTuple):
    """What of a quota was leased."""

    granted: int
    counts: Sequence[tuple[int, int]]
    """What was spent or leased before in each bucket that counts, the oldest first."""


class QuotaStore(Protocol):
    """Counts that must last: by row (one caller's quota) and by bucket (a part of time)."""

    async def take(self, row: str, *, span: Span, limit: int, need: int, most: int) -> Taken:
        """Add up to `most` to the span's bucket, as far as the sum of the buckets that count with
        it stays within `limit`; nothing at all if that is less than `need`. One atomic step.
        """
        ...

    async def give_back(self, row: str, *, bucket: int, count: int) -> None:
        """Take `count` off a bucket again: what was leased and not used."""
        ...

    async def read(self, row: str, *, since: int, until: int) -> Sequence[tuple[int, int]]:
        """Buckets that begin from `since` to `until`, with their counts, the oldest first."""
        ...

    async def prune(self, *, now: float) -> int:
        """Remove what counts no more; how much there was."""
        ...


class Slot(NamedTuple):
    """One place among `at_most` that one caller has in one thing."""

    name: str
    key: str
    """The caller; empty for all callers together."""
    at_most: int


Release: TypeAlias = Callable[[], Awaitable[None] | None]
"""Gives places back. Never raises, and does nothing the second time."""


class SlotStore(Protocol):
    """Places that are held for a time, never more than there are."""

    async def take(self, slots: Sequence[Slot]) -> Release | Slot:
        """Hold a place in each of `slots`, or in none: then the first that is full is returned.

        A store that spreads callers over servers steps from one slot to the next. Places of a
        process that was killed come free by themselves. Raises RateLimitStoreError where the store
        does not answer in time.
        """
        ...
