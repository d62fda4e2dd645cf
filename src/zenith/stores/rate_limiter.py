"""`RateLimiter` as the guides construct it: with a Redis client, with a store, or with nothing."""

from __future__ import annotations

from typing import Any

from zenith.rate_limits import FallbackStore, RateLimiter, RateLimitSettings, RateLimitStore
from zenith.stores.memory.rate_limits import MemoryRateLimitStore


class GuideRateLimiter(RateLimiter):
    """`GuideRateLimiter()` counts in this process, `GuideRateLimiter(redis_client)` across all.

    With a `redis.asyncio` client, single or cluster, `settings` say what counts while Redis does
    not answer; `key` makes digests of client names that nobody else can try names against.
    """

    __slots__ = ()

    def __init__(
        self,
        source: RateLimitStore | Any = None,
        *,
        settings: RateLimitSettings | None = None,
        key: bytes = b"",
    ) -> None:
        super().__init__(_store(source, settings or RateLimitSettings(), key))


def _store(source: RateLimitStore | Any, settings: RateLimitSettings, key: bytes) -> RateLimitStore:
    if isinstance(source, RateLimitStore):
        return source
    memory = MemoryRateLimitStore(max_clients=settings.max_clients)
    if source is None:
        return memory
    # The driver is there where a client is, and only there.
    from zenith.stores.redis.rate_limits import RedisRateLimitStore  # noqa: PLC0415

    shared = RedisRateLimitStore(source, key=key, timeout=settings.store_timeout)
    return FallbackStore(shared, local=memory, settings=settings)
