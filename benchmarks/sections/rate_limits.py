"""Rate limits: the time of a hit, and the memory of those who hit."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import AsyncIterator

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from benchmarks import names
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave
from zenith.rate_limits import Hit, Limit
from zenith.stores.memory import MemoryRateLimitStore

TITLE = "Rate limits in memory (CPU time of one hit)"
ROUNDS = 60
ENOUGH = 100_000_000
ADDRESSES = [f"203.0.{number // 256}.{number % 256}" for number in range(1000)]
MICROSECONDS = dict(zip(names.LIMITS, (2.0, 4.0), strict=True))


def _ours(count: int) -> Batch:
    store = MemoryRateLimitStore()
    limits = [Limit(ENOUGH + number, 60, name="bench") for number in range(count)]
    prepared = [[Hit(limit, address) for limit in limits] for address in ADDRESSES]

    async def run(times: int) -> None:
        for number in range(times):
            await store.hit(prepared[number % 1000])

    return run


def _limits(count: int) -> Batch:
    storage = MemoryStorage()
    limiter = SlidingWindowCounterRateLimiter(storage)
    items = [RateLimitItemPerMinute(ENOUGH + number) for number in range(count)]

    async def run(times: int) -> None:
        for number in range(times):
            address = ADDRESSES[number % 1000]
            for item in items:
                limiter.hit(item, address)

    return run


async def measure(options: Options) -> AsyncIterator[Row]:
    """One limit, three limits, and what a client costs in memory."""
    for count, budget in MICROSECONDS.items():
        found = await interleave(
            {"zenith": _ours(count), "limits": _limits(count)}, rounds=options.rounds(ROUNDS)
        )
        ratio, spread = found.ratio("zenith", "limits")
        yield Row(
            name=names.hit(count),
            ours=found.of("zenith"),
            peer_name="limits",
            peer=found.of("limits"),
            ratio=ratio,
            spread=spread,
            budget=Budget(value=budget, of="ours"),
        )
    keys = 1_000_000 if options.full else 100_000
    ours, slow = await _memory_of_ours(keys)
    peer = _memory_of_limits(min(keys, 100_000))
    yield Row(
        name=f"memory of one client, {keys:,} clients",
        ours=ours,
        unit="bytes",
        peer_name="limits",
        peer=peer,
        ratio=ours / peer,
        budget=Budget(value=150, of="ours"),
    )
    yield Row(
        name=f"slowest of 1,000 hits, {keys:,} new clients",
        ours=slow,
        budget=Budget(value=100, of="ours"),
    )


async def _memory_of_ours(keys: int) -> tuple[float, float]:
    """Bytes for each client, and the time that one hit in a thousand takes or exceeds."""
    limit = Limit(100, 60, name="bench")
    store = MemoryRateLimitStore()
    tracemalloc.start()
    for number in range(keys):
        await store.hit((Hit(limit, _address(number)),))
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store = MemoryRateLimitStore()
    times: list[int] = []
    for number in range(keys):
        hit = (Hit(limit, _address(number)),)
        started = time.thread_time_ns()
        await store.hit(hit)
        times.append(time.thread_time_ns() - started)
    times.sort()
    return traced / keys, times[-keys // 1000] / 1000


def _memory_of_limits(keys: int) -> float:
    limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
    item = RateLimitItemPerMinute(100)
    tracemalloc.start()
    for number in range(keys):
        limiter.hit(item, _address(number))
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return traced / keys


def _address(number: int) -> str:
    return f"{10 + number // 2**24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
