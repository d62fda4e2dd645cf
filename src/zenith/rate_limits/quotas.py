"""Counts quotas exactly over all processes, and asks the database for many requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from hashlib import sha256
from typing import Final

from zenith.kernel.background import end
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ServiceUnavailableError
from zenith.rate_limits.allowance import Allowance, Span
from zenith.rate_limits.keys import check_cost
from zenith.rate_limits.store import QuotaStore
from zenith.rate_limits.strategies import Usage

BATCH: Final = 100
SHARE: Final = 32
"""No process leases more than this part of what is left."""
MAX_LEASES: Final = 10_000
REMEMBERED: Final = 2.0
"""Seconds for which a refusal is not asked about again: what is given back, or another plan, shows
that much later."""
IDLE: Final = 10.0
"""Seconds after which what a process leased and did not use is given back."""


class Quotas:
    """Threat: a plan that is paid for a thousand calls and makes a million, since each process
    counts for itself or a restart forgets (ASVS 2.4.1).

    The database has the counts. A process leases a few of what is left in one transaction and
    spends them in memory, so that most requests write nothing; what it leased counts as spent until
    it is given back, so that never more is admitted than the limit over any number of processes. A
    process that is killed loses at most its leases: `batch` for each caller, and no more than a
    32nd of what was left. Towards the end of a quota leases are single requests.
    """

    def __init__(self, store: QuotaStore, *, batch: int = BATCH, clock: Clock = wall_clock) -> None:
        self._store: Final = store
        self._batch: Final = batch
        self._clock: Final = clock
        self._leases: Final[dict[str, _Lease]] = {}
        self._unused: Final[list[tuple[str, int, int]]] = []
        self._beat: asyncio.Task[None] | None = None

    async def charge(self, name: str, allowance: Allowance, key: str, cost: int = 1) -> Usage:
        """Spend `cost` of what `key` has of the quota `name`, if there is as much.

        Raises ValueError for a cost below 1, ServiceUnavailableError where the database is needed
        and does not answer.
        """
        check_cost(cost)
        row = _row(name, allowance, key)
        while True:
            now = self._clock()
            lease = self._leases.get(row) or self._open(row)
            if lease.limit == allowance.requests and now < lease.ends:
                if cost <= lease.left:
                    lease.left -= cost
                    lease.touched = now
                    return lease.usage(now, allowed=True)
                if 0 < lease.refused_until - now <= REMEMBERED and cost >= lease.refused_cost:
                    return lease.usage(now, allowed=False)
            await self._filled(row, lease, allowance, cost)

    async def usage(self, name: str, allowance: Allowance, key: str) -> Usage:
        """What `key` has left. What other processes hold ready counts as spent."""
        now, row = self._clock(), _row(name, allowance, key)
        span = allowance.span(now)
        counts = await self._store.read(row, since=span.since, until=span.until)
        used = sum(count for _, count in counts)
        lease = self._leases.get(row)
        if lease is not None and lease.bucket == span.bucket:
            used -= lease.left
        left = max(allowance.requests - used, 0)
        reset = max(span.ends + span.forgets - now, 0.0)
        return Usage(allowance.requests, left, reset, 0.0, True)

    async def start(self) -> None:
        """Begin to give back what is not used."""
        self._beat = asyncio.create_task(self._give_back_at_times(), name="zenith-quotas")

    async def stop(self) -> None:
        """Give back everything, as far as the database takes it."""
        if self._beat is not None:
            await end(self._beat)
            self._beat = None
        await self.give_back(idle=-1.0)

    async def give_back(self, *, idle: float = IDLE) -> None:
        """Give back what was leased and not used for `idle` seconds. What the database does not
        take now counts as spent.
        """
        now = self._clock()
        for row, lease in list(self._leases.items()):
            if lease.filling is None and now - lease.touched > idle:
                self._drop(row, lease)
        # One after the other: what a stop in between leaves is given back by the next call.
        while self._unused:
            row, bucket, count = self._unused.pop()
            with suppress(ServiceUnavailableError):
                await self._store.give_back(row, bucket=bucket, count=count)

    async def prune(self) -> int:
        """Remove counts of windows that are over."""
        return await self._store.prune(now=self._clock())

    async def _give_back_at_times(self) -> None:
        while True:
            await asyncio.sleep(IDLE / 2)
            await self.give_back()

    def _open(self, row: str) -> _Lease:
        if len(self._leases) >= MAX_LEASES:
            for oldest, lease in self._leases.items():
                if lease.filling is None:
                    self._drop(oldest, lease)
                    break
        lease = self._leases[row] = _Lease(self._clock())
        return lease

    def _drop(self, row: str, lease: _Lease) -> None:
        del self._leases[row]
        self._release(row, lease)

    def _release(self, row: str, lease: _Lease) -> None:
        if lease.left:
            self._unused.append((row, lease.bucket, lease.left))
            lease.left = 0

    async def _filled(self, row: str, lease: _Lease, allowance: Allowance, cost: int) -> None:
        """Ask the database once for all who wait. Whoever goes away leaves the lease to others, and
        it is no part of the caller's transaction: that may be undone.
        """
        if lease.filling is None:
            filling = asyncio.get_running_loop().create_task(
                self._fill(row, lease, allowance, cost), context=Context()
            )
            lease.filling = filling
            filling.add_done_callback(lease.end_filling)
        await asyncio.shield(lease.filling)

    async def _fill(self, row: str, lease: _Lease, allowance: Allowance, cost: int) -> None:
        now = self._clock()
        span = allowance.span(now)
        if lease.bucket != span.bucket or lease.limit != allowance.requests:
            self._release(row, lease)
            while released := [each for each in self._unused if each[0] == row]:
                self._unused.remove(released[0])
                await self._store.give_back(row, bucket=released[0][1], count=released[0][2])
            lease.begin(span, allowance.requests)
        need = cost - lease.left
        ready = min(self._batch, (lease.limit - lease.used) // SHARE)
        granted, counts = await self._store.take(
            row,
            span=span,
            limit=allowance.requests,
            need=need,
            most=max(need, ready),
        )
        # Later than it was asked: behind a slow answer a refusal must last, or be asked for ever.
        lease.note(self._clock(), span, counts, granted=granted, need=need, cost=cost)


class _Lease:
    """What this process may spend of one caller's quota without asking."""

    __slots__ = (
        "bucket",
        "ends",
        "filling",
        "left",
        "limit",
        "refused_cost",
        "refused_until",
        "reset_at",
        "retry_at",
        "touched",
        "used",
    )

    def __init__(self, now: float) -> None:
        self.filling: asyncio.Task[None] | None = None
        self.bucket = self.ends = self.limit = self.left = self.used = 0
        self.refused_cost, self.refused_until = 0, 0.0
        self.retry_at = self.reset_at = 0.0
        self.touched = now

    def begin(self, span: Span, limit: int) -> None:
        """Count in another bucket, or under another plan."""
        self.bucket, self.ends, self.limit = span.bucket, span.ends, limit
        self.used, self.refused_until = 0, 0.0

    def end_filling(self, filling: asyncio.Task[None]) -> None:
        """Let the next one ask. A failure was told to those who waited."""
        self.filling = None
        if not filling.cancelled():
            filling.exception()

    def note(
        self,
        now: float,
        span: Span,
        counts: Sequence[tuple[int, int]],
        *,
        granted: int,
        need: int,
        cost: int,
    ) -> None:
        """What the database has said: `counts` were there before anything was granted."""
        before = sum(count for _, count in counts)
        self.left += granted
        self.used = before + granted
        self.reset_at = span.ends + span.forgets
        self.touched = now
        if granted:
            return
        self.refused_cost, self.refused_until = cost, now + REMEMBERED
        length = span.ends - span.bucket
        over, self.retry_at = before + need - self.limit, float(self.reset_at)
        for bucket, count in counts:
            over -= count
            if over <= 0:
                self.retry_at = min(bucket + length + span.forgets, self.reset_at)
                break

    def usage(self, now: float, *, allowed: bool) -> Usage:
        """Where the caller stands."""
        left = max(self.limit - self.used + self.left, 0)
        retry = 0.0 if allowed else max(self.retry_at - now, 1.0)
        return Usage(self.limit, left, max(self.reset_at - now, 0.0), retry, allowed)


def _row(name: str, allowance: Allowance, key: str) -> str:
    """Where it is counted: the plan's number is no part of it, so that a change of plan keeps what
    was spent. A digest, so that the database does not say who called from where.
    """
    text = f"{name}|{allowance.period}|{key}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
