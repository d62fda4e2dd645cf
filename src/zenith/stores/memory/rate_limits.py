"""Rate counters in process memory: bounded, exact, and freed a few at a time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final, TypeAlias

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.keys import digest
from zenith.rate_limits import Hit, Limit, Usage

MAX_CLIENTS: Final = 1_000_000
MAX_KEY: Final = 63
SHARDS: Final = 64
SHARD_MASK: Final = SHARDS - 1
OVERFLOW_SLOTS: Final = 65_536
GRAINS: Final = 4
SWEEP: Final = 3

Slots: TypeAlias = dict[str | int, int]
Charge: TypeAlias = tuple[Slots, str | int, int]


class MemoryRateLimitStore:
    """Counts inside one process; several processes each count for themselves.

    Threat: a flood of addresses that fills the memory, or that makes the store forget somebody: a
    victim's neighbour, or the attacker himself. Nothing that still counts is ever dropped. Beyond
    `max_clients` a new client shares one of 65,536 overflow counters of its limit with others whose
    secret hash is the same: it may be refused early then, never late, and what was counted there
    goes with it once there is room. Expired counters are freed a few with every hit; nothing ever
    looks at all of them, and no table grows at one blow (each is split in 64).

    Keys longer than 63 characters are kept as SHA-256 digests. `clock` must be steady.
    """

    def __init__(self, *, max_clients: int = MAX_CLIENTS, clock: Clock = steady_clock) -> None:
        self._max: Final = max_clients
        self._clock: Final = clock
        self._origin: Final = clock()
        self._tables: Final[dict[str, _Table]] = {}
        self._due: Final[list[_Bucket]] = []
        self._size = 0

    def __len__(self) -> int:
        """How many counters are kept, those that expired and were not yet freed included."""
        return self._size

    async def hit(self, hits: Sequence[Hit]) -> list[Usage]:
        """As RateLimitStore; raises nothing but ValueError for a cost below 1."""
        return [self.hit_one(hits[0])] if len(hits) == 1 else self.hit_now(hits)

    def hit_now(self, hits: Sequence[Hit]) -> list[Usage]:
        """The same for callers that are not asynchronous; never waits."""
        if len(hits) == 1:
            return [self.hit_one(hits[0])]
        now = int((self._clock() - self._origin) * 1000)
        if self._due and self._due[0].due <= now:
            self._sweep(now, SWEEP * len(hits))
        tables = self._tables
        usages: list[Usage] = []
        before: list[int | Charge | None] = []
        last, shard, refused = None, 0, False
        for hit in hits:
            limit, key, cost, partial = hit
            if key is not last:
                last, shard = key, hash(key) & SHARD_MASK
            try:
                table = tables[limit.id]
                slots = table.shards[shard]
                state = slots[key]
            except KeyError:
                usage = self._hit(hit, now, before)
            else:
                if partial:
                    usage = self._hit(hit, now, before)
                else:
                    slots[key], usage = table.hit(state, now, cost)
                    before.append(state)
            usages.append(usage)
            if not usage[4]:
                refused = True
        if refused:
            self._take_back(hits, before)
        return usages

    def _take_back(self, hits: Sequence[Hit], before: list[int | Charge | None]) -> None:
        """Leave everything as it was, since one of the hits was refused."""
        for (limit, key, _, _), was in zip(reversed(hits), reversed(before), strict=True):
            if isinstance(was, int):
                self._tables[limit.id].shards[hash(key) & SHARD_MASK][key] = was
            elif was is not None:
                slots, at, state = was
                slots[at] = state

    def hit_one(self, hit: Hit) -> Usage:
        """One limit alone; never waits."""
        now = int((self._clock() - self._origin) * 1000)
        if self._due and self._due[0].due <= now:
            self._sweep(now, SWEEP)
        limit, key, cost, partial = hit
        try:
            # Most hits: a client that is known, one look-up and one number written.
            table = self._tables[limit.id]
            slots = table.shards[hash(key) & SHARD_MASK]
            state = slots[key]
        except KeyError:
            return self._hit(hit, now, [])
        if partial:
            return self._hit(hit, now, [])
        slots[key], usage = table.hit(state, now, cost)
        return usage

    def _hit(self, hit: Hit, now: int, before: list[int | Charge | None]) -> Usage:
        """Charge one limit of any client; `before` tells what was, should another one refuse."""
        limit, key, cost, partial = hit
        table = self._tables.get(limit.id) or self._open(limit)
        if len(key) > MAX_KEY:
            key = digest(key)
        slots = table.shards[hash(key) & SHARD_MASK]
        at: str | int = key
        state = slots.get(key)
        if state is None:
            state = 0
            if table.overflow or self._size >= self._max:
                slots, at, state = self._overflow(table, slots, key)
        after, usage = table.hit(state, now, cost)
        if partial and not usage.allowed:
            if usage.remaining:
                after, usage = table.hit(state, now, usage.remaining)
            else:
                usage = usage._replace(allowed=True, retry_after=0.0)
        if after == state:
            before.append(None)
            return usage
        if at not in slots:
            self._size += 1
            self._remember(table, at, now)
        slots[at] = after
        before.append((slots, at, state))
        return usage

    def _open(self, limit: Limit) -> _Table:
        table = self._tables[limit.id] = _Table(limit)
        return table

    def _overflow(self, table: _Table, slots: Slots, key: str) -> tuple[Slots, str | int, int]:
        """Where a new client counts while memory is or was full, and from what it starts."""
        slot = hash(key) // SHARDS % OVERFLOW_SLOTS
        state = table.overflow.get(slot, 0)
        if self._size < self._max:
            return slots, key, state
        return table.overflow, slot, state

    def _remember(self, table: _Table, at: str | int, now: int) -> None:
        """Note a counter, to look at it once it may have expired."""
        if now >= table.bucket_end:
            horizon = table.engine.horizon
            table.bucket_end = now + horizon // GRAINS
            bucket = _Bucket(table.bucket_end + horizon, table)
            table.keys = bucket.keys
            heapq.heappush(self._due, bucket)
        table.keys.append(at)

    def _sweep(self, now: int, count: int) -> None:
        """Look at `count` counters that are due; free those that say nothing any more."""
        due = self._due
        while count and due and due[0].due <= now:
            table, keys = due[0].table, due[0].keys
            if not keys:
                heapq.heappop(due)
                continue
            count -= 1
            at = keys.pop()
            is_exact = isinstance(at, str)
            slots = table.shards[hash(at) & SHARD_MASK] if is_exact else table.overflow
            if table.engine.is_expired(slots[at], now):
                del slots[at]
                self._size -= 1
            else:
                self._remember(table, at, now)


class _Table:
    """The counters of one limit."""

    __slots__ = ("bucket_end", "engine", "hit", "keys", "overflow", "shards")

    def __init__(self, limit: Limit) -> None:
        self.engine: Final = limit.engine
        self.hit: Final = limit.engine.hit
        self.shards: Final[list[Slots]] = [{} for _ in range(SHARDS)]
        self.overflow: Final[Slots] = {}
        self.bucket_end = -1
        self.keys: list[str | int] = []
        """The bucket that new counters go to."""


class _Bucket:
    """Counters that were first seen in the same stretch of time: worth a look at `due`."""

    __slots__ = ("due", "keys", "table")

    def __init__(self, due: int, table: _Table) -> None:
        self.due: Final = due
        self.table: Final = table
        self.keys: Final[list[str | int]] = []

    def __lt__(self, other: _Bucket) -> bool:
        return self.due < other.due
