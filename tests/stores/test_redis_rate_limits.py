"""The short way of rate limits to Redis says what the driver says, and gives way where it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import Connection

from zenith.rate_limits import Hit, Limit
from zenith.rate_limits.strategies import STRATEGIES
from zenith.stores.redis import RedisRateLimitStore
from zenith.stores.redis.rate_limits import packed

HITS = [Hit(Limit(5, 60, name="short-way"), "somebody")]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.parametrize(
    "command", [("PING",), ("EVALSHA", "f" * 40, 1, "zenith:rate:{é}:x", "f 5 60000 1")]
)
def test_a_command_is_packed_as_the_driver_packs_it(command: tuple[str | int, ...]) -> None:
    assert packed(command) == b"".join(Connection().pack_command(*command))


async def test_a_connection_that_was_lost_costs_no_hit(redis: Redis, redis_url: str) -> None:
    store = RedisRateLimitStore(redis, key=b"k" * 32, timeout=30)
    first = (await store.hit(HITS))[0].remaining
    async with Redis.from_url(redis_url) as other:
        await other.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert (await store.hit(HITS))[0].remaining == first - 1


async def test_more_at_once_than_the_pool_has_connections_are_no_failure(redis_url: str) -> None:
    pool = ConnectionPool.from_url(redis_url, max_connections=8)
    async with Redis.from_pool(pool) as client:
        await client.script_flush()
        store = RedisRateLimitStore(client, timeout=30)
        limit = Limit(5, 60, name="burst")
        found = await asyncio.gather(*(store.hit([Hit(limit, "all")]) for _ in range(100)))
    assert sum(usage.allowed for (usage,) in found) == 5


async def test_a_cost_beyond_all_numbers_takes_what_is_left(redis: Redis) -> None:
    """Doubles lose the rest of a sum with it, and with that what is left."""
    store = RedisRateLimitStore(redis, timeout=30)
    for number, cost in enumerate((10**12, 10**20, 10**400)):
        for strategy in STRATEGIES:
            limit = Limit(97, 86_400, strategy, name="huge")
            hits = [Hit(limit, str(number), 3), Hit(limit, str(number), cost, partial=True)]
            *_, usage = await store.hit(hits)
            assert (usage.allowed, usage.remaining) == (True, 0), strategy
            (usage,) = await store.hit([Hit(limit, str(number))])
            assert not usage.allowed, strategy


async def test_a_fixed_window_counts_sixteen_digits(redis: Redis) -> None:
    store = RedisRateLimitStore(redis, timeout=30)
    limit = Limit(2**53 - 1, 60, "fixed_window", name="digits")
    await store.hit([Hit(limit, "a", 2**53 - 3)])
    assert [(await store.hit([Hit(limit, "a")]))[0].remaining for _ in range(2)] == [1, 0]
    assert not (await store.hit([Hit(limit, "a")]))[0].allowed
