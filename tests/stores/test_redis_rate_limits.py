"""The short way of rate limits to Redis says what the driver says, and gives way where it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import Connection

from zenith.rate_limits import Hit, Limit
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
