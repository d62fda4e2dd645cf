"""What is counted while the shared counters do not answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from zenith.kernel.clock import Clock, steady_clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType, Outcome, Silence
from zenith.rate_limits.debts import Debts
from zenith.rate_limits.errors import RateLimitStoreError
from zenith.rate_limits.limit import Limit
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Hit, RateLimitStore, Release, Slot, SlotStore
from zenith.rate_limits.strategies import Usage

_log: Final = logging.getLogger("zenith")


class _Watched:
    """What a shared store's failures lead to: it is left alone for a while, then tried by one."""

    def __init__(
        self,
        settings: RateLimitSettings,
        events: EventSink | None,
        clock: Clock,
    ) -> None:
        self._events: Final = events or Silence()
        self._mode: Final = settings.on_failure
        self._share: Final = settings.local_share
        self._pause: Final = settings.retry_interval
        self._clock: Final = clock
        self._retry_at: float | None = None

    @property
    def is_shared(self) -> bool:
        """Whether the shared counters answered when last asked."""
        return self._retry_at is None

    def _may_try(self) -> bool:
        now = self._clock()
        if self._retry_at is not None and now < self._retry_at:
            return False
        # Whoever comes now tries; the others go on without until it is known how that went.
        self._retry_at = now + self._pause
        return True

    def _note_failure(self, error: RateLimitStoreError) -> None:
        if self._retry_at is None:
            _log.error(
                "rate limits: the shared counters do not answer (%s); until they do: %s",
                error.reason,
                {
                    "local": f"each process admits {self._share:.0%} of every limit",
                    "closed": "requests are refused with 503",
                    "open": "NOTHING IS LIMITED",
                }[self._mode],
            )
            self._note(EventType.RATE_COUNTERS_LOST, "error", reason=error.reason)
        self._retry_at = self._clock() + self._pause

    def _note(self, kind: EventType, outcome: Outcome, *, reason: str = "") -> None:
        self._events.note(
            Event(
                type=kind,
                outcome=outcome,
                at=wall_clock(),
                reason=reason,
                severity="ERROR" if outcome == "error" else "WARNING",
                details={"on_failure": self._mode, "local_share": self._share},
            )
        )

    def _note_success(self) -> None:
        if self._retry_at is not None:
            self._retry_at = None
            _log.warning("rate limits: the shared counters answer again")
            self._note(EventType.RATE_COUNTERS_BACK, "success")

    def _refuse_if_closed(self) -> None:
        if self._mode == "closed":
            raise RateLimitStoreError(
                retry_after=self._pause, reason="the rate counters do not answer"
            )


class FallbackStore(_Watched):
    """Asks `shared`, and where that fails does what `settings.on_failure` says.

    Threat: an attacker who can slow or stop the store of the counters frees himself of all limits,
    or, where every request waits for it, stops the whole application. So a store that failed is
    left alone for `retry_interval`, then tried by one request, and `local` counts meanwhile, by a
    share of each limit. The failure is logged once and recorded, and so is the recovery.

    Nor is a failure worth a fresh limit. `local` counts all along what this process admits, so that
    a client who has had the share gets nothing more while nobody can ask the others; and what was
    admitted alone is charged to `shared` before the client's next hit there. With processes for
    which the shares add up to the limit, and clients spread over them, nobody gets more than that,
    unless the store itself loses what it has counted.
    """

    def __init__(
        self,
        shared: RateLimitStore,
        *,
        local: RateLimitStore,
        settings: RateLimitSettings,
        events: EventSink | None = None,
        clock: Clock = steady_clock,
    ) -> None:
        super().__init__(settings, events, clock)
        self._shared: Final = shared
        self._local: Final = local
        self._debts: Final = Debts(clock)

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Usage]:
        """As RateLimitStore; raises RateLimitStoreError only where `on_failure` is `closed`."""
        if self._retry_at is not None and not self._may_try():
            return await self._without(hits)
        try:
            if self._debts:
                if self._debts.is_paying(hits):
                    return await self._without(hits)
                await self._debts.pay(hits, self._shared)
            usages = await self._shared.hit(hits)
        except RateLimitStoreError as error:
            self._note_failure(error)
            return await self._without(hits)
        if self._retry_at is not None:
            self._note_success()
        if self._mode == "local" and all(usage.allowed for usage in usages):
            await self._local.hit([_stricter(hit, self._share, partial=True) for hit in hits])
        return usages

    async def _without(self, hits: Sequence[Hit]) -> Sequence[Usage]:
        self._refuse_if_closed()
        if self._mode == "open":
            return [Usage(hit.limit.requests, hit.limit.requests, 0.0, 0.0, True) for hit in hits]
        usages = await self._local.hit([_stricter(hit, self._share) for hit in hits])
        if all(usage.allowed for usage in usages):
            self._debts.owe(hits)
        return usages


class FallbackSlots(_Watched):
    """The same for places: taken from `shared`, and where that fails from `local`, by a share of
    each limit. What was taken somewhere is given back there.
    """

    def __init__(
        self,
        shared: SlotStore,
        *,
        local: SlotStore,
        settings: RateLimitSettings,
        events: EventSink | None = None,
        clock: Clock = steady_clock,
    ) -> None:
        super().__init__(settings, events, clock)
        self._shared: Final = shared
        self._local: Final = local

    async def take(self, slots: Sequence[Slot]) -> Release | Slot:
        """As SlotStore; raises RateLimitStoreError only where `on_failure` is `closed`."""
        if self._retry_at is not None and not self._may_try():
            return await self._without(slots)
        try:
            taken = await self._shared.take(slots)
        except RateLimitStoreError as error:
            self._note_failure(error)
            return await self._without(slots)
        self._note_success()
        return taken

    async def _without(self, slots: Sequence[Slot]) -> Release | Slot:
        self._refuse_if_closed()
        if self._mode == "open":
            return _nothing
        share = self._share
        return await self._local.take(
            [Slot(name, key, max(int(most * share), 1)) for name, key, most in slots]
        )


def _nothing() -> None:
    """Give nothing back, where nothing was taken."""


def _stricter(hit: Hit, share: float, *, partial: bool = False) -> Hit:
    """The hit against a share of its limit. What costs more than the share takes all of it, once:
    with a limit of its own for each cost, costs that vary would be counted apart.
    """
    limit = _share_of(hit.limit, share)
    return Hit(limit, hit.key, min(hit.cost, limit.requests), partial or hit.partial)


@lru_cache(maxsize=4096)
def _share_of(limit: Limit, share: float) -> Limit:
    return limit.at(share)
