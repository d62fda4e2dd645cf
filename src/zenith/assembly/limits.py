"""Rate limits, quotas and concurrency limits: what counts, where, and what happens without it."""

from __future__ import annotations

from typing import Any

from zenith.kernel.events import EventSink
from zenith.kernel.keys import Secret, derive
from zenith.pipeline import Guard
from zenith.rate_limits import (
    ConcurrencyGuard,
    ConcurrencyLimiter,
    FallbackSlots,
    FallbackStore,
    RateLimiter,
    RateLimitGuard,
    RateLimitSettings,
)
from zenith.settings import Settings
from zenith.stores.memory import MemoryRateLimitStore, MemorySlotStore


def make_limiters(
    settings: Settings, secrets: tuple[Secret, ...], redis: Any, events: EventSink
) -> tuple[RateLimiter, ConcurrencyLimiter]:
    """What counts hits, and what is in flight; attempts at passwords also where the limit of all
    routes is off.
    """
    limits = settings.rate_limits or RateLimitSettings()
    memory = MemoryRateLimitStore(max_clients=limits.max_clients)
    slots = MemorySlotStore()
    if redis is None:
        return RateLimiter(memory), ConcurrencyLimiter(slots)
    # Needs the optional driver, which `connect_redis` has found by now.
    from zenith.stores.redis import RedisRateLimitStore, RedisSlotStore  # noqa: PLC0415

    key, timeout = derive(secrets[0], "rate_limits"), limits.store_timeout
    return (
        RateLimiter(
            FallbackStore(
                RedisRateLimitStore(redis, key=key, timeout=timeout),
                local=memory,
                settings=limits,
                events=events,
            )
        ),
        ConcurrencyLimiter(
            FallbackSlots(
                RedisSlotStore(redis, key=key, timeout=timeout),
                local=slots,
                settings=limits,
                events=events,
            )
        ),
    )


def early_limits(
    settings: Settings, limiter: RateLimiter, concurrency: ConcurrencyLimiter
) -> tuple[Guard, ...]:
    """The guards that look at a request before it is known who calls; those that are on."""
    limits = settings.rate_limits
    if limits is None:
        return ()
    rates = RateLimitGuard(limiter, limits)
    if limits.concurrent is None and limits.concurrent_per_address is None:
        return (rates,)
    return (rates, ConcurrencyGuard(concurrency, limits))
