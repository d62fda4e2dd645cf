"""The attacker slows, stops or floods Redis, and hopes that nothing is limited without it.

He wins if requests hang, if they pass unlimited, if the driver's error reaches anybody, or if his
refused requests go on costing round trips.
"""

from __future__ import annotations

import asyncio
import logging

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import Connection

from zenith.rate_limits import (
    FallbackStore,
    Hit,
    Limit,
    RateLimitSettings,
    RateLimitStoreError,
    Usage,
)
from zenith.stores.memory import MemoryRateLimitStore
from zenith.stores.rate_limiter import GuideRateLimiter
from zenith.stores.redis import RedisRateLimitStore
from zenith.stores.redis.refusals import Refusals


class CountingRedis(Redis):
    trips = 0

    def count(self):
        """Count commands, one for each round trip."""
        counted = self

        class Counted(Connection):
            async def send_packed_command(self, command, check_health=True):
                counted.trips += 1
                await super().send_packed_command(command, check_health)

        self.connection_pool.connection_class = Counted


@pytest.fixture
async def redis(redis_url):
    async with CountingRedis.from_url(redis_url) as client:
        client.count()
        yield client


def patient(redis, **options):
    """A store that a busy test machine does not make give up."""
    return RedisRateLimitStore(redis, timeout=30, **options)


async def test_all_limits_of_a_request_are_one_trip(redis):
    store = patient(redis)
    hits = [Hit(Limit(9, 60, name=name), key) for name in "abc" for key in ("x", "y")]
    await store.hit(hits)
    redis.trips = 0
    assert all(usage.allowed for usage in await store.hit(hits))
    assert redis.trips == 1


async def test_a_flood_of_refused_requests_never_reaches_redis(redis):
    store, limit, wide = patient(redis), Limit(1, 60), Limit(9, 60, name="wide")
    for _ in range(2):
        await store.hit([Hit(wide, "a"), Hit(limit, "a")])
    redis.trips = 0
    for _ in range(50):
        wider, usage = await store.hit([Hit(wide, "a"), Hit(limit, "a")])
        assert not usage.allowed
        assert usage.retry_after <= 120
        assert wider == Usage(9, 9, 0.0, 0.0, True)
    assert redis.trips == 0
    assert (await store.hit([Hit(wide, "a")]))[0].remaining == 7
    assert (await store.hit([Hit(limit, "b")]))[0].allowed


async def test_a_remembered_refusal_ends_in_time(redis):
    now = 0.0
    store, limit = patient(redis, clock=lambda: now), Limit(1, 1, "token_bucket")
    await store.hit([Hit(limit, "a")])
    (refused,) = await store.hit([Hit(limit, "a")])
    redis.trips = 0
    now = refused.retry_after / 2
    (again,) = await store.hit([Hit(limit, "a")])
    assert redis.trips == 0
    assert again.retry_after == pytest.approx(refused.retry_after / 2)
    now = refused.retry_after
    await store.hit([Hit(limit, "a")])
    assert redis.trips == 1


async def test_a_cheaper_hit_is_not_refused_by_a_dear_ones_memory(redis):
    store, limit = patient(redis), Limit(5, 60)
    await store.hit([Hit(limit, "a", 3)])
    assert not (await store.hit([Hit(limit, "a", 3)]))[0].allowed
    assert (await store.hit([Hit(limit, "a", 2)]))[0].allowed


def test_memory_of_refusals_is_bounded():
    refusals, limit = Refusals(100), Limit(1, 60)
    refused = Usage(1, 0, 60.0, 60.0, False)
    for number in range(1000):
        refusals.note(Hit(limit, f"{number}" + "x" * 1000), refused, 0.0)
    assert len(refusals) == 100
    assert refusals.find(Hit(limit, "999" + "x" * 1000), 1.0) is not None
    assert refusals.find(Hit(limit, "1" + "x" * 1000), 1.0) is None


async def test_names_of_clients_are_not_in_redis(redis):
    store = patient(redis, key=b"k" * 100)
    other = patient(redis, key=b"j" * 32)
    limit = Limit(5, 60, name="sign-in:account")
    for each in (store, other, patient(redis)):
        await each.hit([Hit(limit, "alice@example.org")])
    names = await redis.keys("*")
    assert len(names) == 3
    assert not any(b"alice" in name or b"sign-in" in name for name in names)
    for name in names:
        assert b"alice" not in await redis.get(name)


async def test_counters_expire(redis):
    await patient(redis).hit([Hit(Limit(5, 60), "a"), Hit(Limit(5, 3600, "token_bucket"), "a")])
    left = sorted([await redis.pttl(name) for name in await redis.keys("*")])
    assert 0 < left[0] <= 121_000
    assert 0 < left[1] <= 721_000


async def test_the_servers_clock_counts(redis):
    store, limit = patient(redis, clock=lambda: 0.0), Limit(2, 1, "token_bucket")
    assert [(await store.hit([Hit(limit, "a")]))[0].allowed for _ in range(2)] == [True, True]
    await asyncio.sleep(0.6)
    assert (await patient(redis).hit([Hit(limit, "a")]))[0].allowed


async def test_a_script_that_redis_forgot_is_sent_again(redis):
    store, limit = patient(redis), Limit(2, 60)
    await store.hit([Hit(limit, "a")])
    await redis.script_flush()
    assert (await store.hit([Hit(limit, "a")]))[0].remaining == 0


async def test_a_spoiled_counter_is_an_error_and_not_a_pass(redis):
    store, limit = patient(redis), Limit(2, 60)
    await store.hit([Hit(limit, "a")])
    (name,) = await redis.keys("*")
    await redis.set(name, "spoiled")
    with pytest.raises(RateLimitStoreError):
        await store.hit([Hit(limit, "a")])


async def test_a_driver_that_loses_its_connections_is_an_error_of_ours():
    class Torn:
        max_connections = 4

        @property
        def connection_pool(self):
            return self

        async def get_connection(self):
            raise AttributeError("'NoneType' object has no attribute 'writelines'")

    with pytest.raises(RateLimitStoreError):
        await RedisRateLimitStore(Torn()).hit([Hit(Limit(2, 60), "a")])


async def test_redis_pauses_dies_and_returns(private_service, caplog):
    service = private_service("redis")
    limit = Limit(8, 600, "token_bucket")
    settings = RateLimitSettings(store_timeout=0.7, retry_interval=0.2)
    async with Redis.from_url(service.url) as client:
        limiter = GuideRateLimiter(client, settings=settings)

        async def passed(count):
            loop = asyncio.get_running_loop()
            begun = loop.time()
            usages = [(await limiter.hit([Hit(limit, "a")]))[0] for _ in range(count)]
            assert loop.time() - begun < 5
            return sum(usage.allowed for usage in usages)

        assert await passed(3) == 3
        await client.execute_command("CLIENT", "PAUSE", "2000", "ALL")
        # Three of eight are more already than a process admits alone.
        assert await passed(20) == 0
        await asyncio.sleep(2)
        assert await passed(20) == 5
        assert [r.levelno for r in caplog.records] == [logging.ERROR, logging.WARNING]
        assert "redis://" not in caplog.text


async def test_nobody_listens():
    async with Redis(port=1) as client:
        store = RedisRateLimitStore(client)
        with pytest.raises(RateLimitStoreError) as caught:
            await store.hit([Hit(Limit(2, 60), "a")])
        assert caught.value.status == 503
        assert "127.0.0.1" not in caught.value.detail
        closed = FallbackStore(
            store,
            local=MemoryRateLimitStore(),
            settings=RateLimitSettings(on_failure="closed"),
        )
        with pytest.raises(RateLimitStoreError):
            await closed.hit([Hit(Limit(2, 60), "a")])


async def test_the_guides_way_to_make_a_limiter(redis):
    for limiter in (
        GuideRateLimiter(),
        GuideRateLimiter(redis, settings=RateLimitSettings(store_timeout=30)),
        GuideRateLimiter(MemoryRateLimitStore()),
    ):
        answers = [await limiter.check_rate_limit("user:1", 2, 60) for _ in range(3)]
        assert [allowed for allowed, _ in answers] == [True, True, False]
