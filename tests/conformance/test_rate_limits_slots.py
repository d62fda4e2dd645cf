"""One suite for every store of what is in flight: memory, Redis, Redis Cluster."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zenith.rate_limits import RateLimitStoreError
from zenith.rate_limits.store import Slot
from zenith.stores.memory import MemorySlotStore
from zenith.stores.redis import RedisSlotStore


@pytest.fixture(params=["memory", "redis", "redis_cluster"])
async def stores(request):
    """Two processes' stores over the same places."""
    if request.param == "memory":
        store = MemorySlotStore()
        yield store, store
        return
    url = request.getfixturevalue(f"{request.param}_url")
    kind: Any = Redis if request.param == "redis" else RedisCluster
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            client = kind.from_url(url)
            stack.push_async_callback(client.aclose)
            made.append(RedisSlotStore(client, key=b"k" * 32, timeout=10))
        yield made
        for store in made:
            await store.settled()


async def end(store, release):
    assert release() is None
    if isinstance(store, RedisSlotStore):
        await store.settled()


async def test_as_many_as_there_are_and_then_as_many_as_come_free(stores):
    first, second = stores
    slot = Slot("export", "ada", 2)
    held = [await first.take([slot]), await second.take([slot])]
    assert await first.take([slot]) == slot
    assert await second.take([slot]) == slot
    assert not isinstance(await first.take([Slot("export", "bob", 2)]), Slot)
    assert not isinstance(await first.take([Slot("search", "ada", 2)]), Slot)
    await end(first, held[0])
    assert not isinstance(await second.take([slot]), Slot)
    assert await first.take([slot]) == slot


async def test_giving_back_twice_gives_back_once(stores):
    store, _ = stores
    slot = Slot("export", "ada", 2)
    held, _ = [await store.take([slot]), await store.take([slot])]
    await end(store, held)
    await end(store, held)
    assert not isinstance(await store.take([slot]), Slot)
    assert await store.take([slot]) == slot


async def test_all_places_or_none(stores):
    store, other = stores
    own, shared = Slot("all:address", "192.0.2.1", 5), Slot("all", "", 1)
    held = await store.take([own, shared])
    for _ in range(10):
        assert await other.take([own, shared]) == shared
        await end(other, lambda: None)
    assert await other.take([own._replace(at_most=1), shared]) == own._replace(at_most=1)
    await end(store, held)
    assert not isinstance(await other.take([own, shared]), Slot)


async def test_race_of_100_for_ten(stores):
    slot = Slot("export", "", 10)
    found = await asyncio.gather(
        *(stores[number % 2].take([slot]) for number in range(100)), return_exceptions=True
    )
    # A starved test machine may take its own cluster for dead; then nobody knows.
    lost = [each for each in found if isinstance(each, BaseException)]
    assert all(isinstance(each, RateLimitStoreError) for each in lost)
    passed = sum(not isinstance(each, Slot | BaseException) for each in found)
    assert passed <= 10 <= passed + len(lost)


async def test_memory_keeps_nothing_of_what_is_over():
    store = MemorySlotStore()
    held = [await store.take([Slot("export", str(number), 1)]) for number in range(50)]
    assert len(store) == 50
    for release in held:
        release()
    assert len(store) == 0


@pytest.fixture
async def redis(redis_url):
    async with Redis.from_url(redis_url) as client:
        yield client


async def age(redis, seconds):
    """Let what is held grow older: the server's clock cannot be told."""
    async for name in redis.scan_iter("zenith:slots:*"):
        for member, until in await redis.zrange(name, 0, -1, withscores=True):
            await redis.zadd(name, {member: until - seconds * 1000})


async def test_what_a_killed_process_held_comes_free_by_itself(redis):
    killed, other = RedisSlotStore(redis, timeout=10), RedisSlotStore(redis, timeout=10)
    slot = Slot("export", "ada", 1)
    await killed.take([slot])
    await age(redis, 25)
    assert await other.take([slot]) == slot
    await age(redis, 6)
    assert not isinstance(await other.take([slot]), Slot)


async def test_what_lasts_longer_is_renewed(redis):
    store, other = RedisSlotStore(redis, timeout=10), RedisSlotStore(redis, timeout=10)
    slot = Slot("export", "ada", 1)
    release = await store.take([slot])
    for _ in range(3):
        await age(redis, 25)
        await store.renew()
    assert await other.take([slot]) == slot
    await end(store, release)
    await store.renew()
    assert not isinstance(await other.take([slot]), Slot)


async def test_renewal_runs_while_something_is_held(redis):
    store = RedisSlotStore(redis, timeout=10, held=0.03)
    renewed = asyncio.Event()
    renew = store.renew

    async def noted():
        await renew()
        renewed.set()

    store.renew = noted
    release = await store.take([Slot("export", "ada", 1)])
    await asyncio.wait_for(renewed.wait(), 10)
    await end(store, release)
    store._renew()
    assert store._beat is None


async def test_no_place_is_named_by_its_caller(redis):
    store = RedisSlotStore(redis, key=b"k" * 32, timeout=10)
    await store.take([Slot("export", "ada@example.org", 1)])
    names = [name async for name in redis.scan_iter("*")]
    assert len(names) == 1
    assert b"ada" not in names[0]
    assert 0 < await redis.pttl(names[0]) <= 30_000


async def test_who_goes_away_while_it_is_asked_holds_nothing(redis):
    store = RedisSlotStore(redis, timeout=10)
    slot = Slot("export", "ada", 1)
    asked = asyncio.create_task(store.take([slot]))
    call, answered = store._call, asyncio.Event()

    async def slow(*arguments):
        found = await call(*arguments)
        if arguments[0] == "take":
            answered.set()
            await asyncio.Event().wait()
        return found

    store._call = slow
    await answered.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await store.settled()
    assert not isinstance(await RedisSlotStore(redis, timeout=10).take([slot]), Slot)


async def test_a_server_that_is_away():
    async with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as client:
        store = RedisSlotStore(client, timeout=5)
        with pytest.raises(RateLimitStoreError, match="unavailable"):
            await store.take([Slot("export", "ada", 1)])
        await store.settled()


async def test_nothing_is_renewed_that_was_given_back_or_while_nobody_answers(redis):
    store, asked = RedisSlotStore(redis, timeout=10), []
    releases = [await store.take([Slot("export", name, 1)]) for name in "ab"]

    async def call(action, holder, group):
        asked.append((action, group[0].key))
        if len(asked) == 1:
            releases[1]()
            return 0
        raise RateLimitStoreError(reason="away")

    store._call = call
    await store.renew()
    await store.settled()
    assert asked == [("keep", "a"), ("free", "b")]
    store._holding["c"] = [[Slot("export", "c", 1)]]
    await store.renew()
    assert asked[2:] == [("keep", "a")]


async def test_a_renewal_that_arrives_late_holds_nothing(redis):
    """It goes by another connection than the giving back, which may be first."""
    store, slot = RedisSlotStore(redis, timeout=10), Slot("export", "ada", 1)
    release = await store.take([slot])
    call = store._call

    async def late(action, holder, group):
        if action == "keep":
            release()
            await store.settled()
        return await call(action, holder, group)

    store._call = late
    await store.renew()
    await store.settled()
    assert not isinstance(await RedisSlotStore(redis, timeout=10).take([slot]), Slot)


async def test_what_is_not_yet_taken_is_not_renewed(redis):
    store, slot = RedisSlotStore(redis, timeout=10), Slot("export", "ada", 1)
    held = await RedisSlotStore(redis, timeout=10).take([slot])
    call = store._call

    async def slow(action, holder, group):
        if action == "take":
            await store.renew()
        return await call(action, holder, group)

    store._call = slow
    assert await store.take([slot]) == slot
    await store.settled()
    held()
    (name,) = [name async for name in redis.scan_iter("zenith:slots:*")]
    assert await redis.zcard(name) == 1


async def test_more_at_once_than_there_are_connections_wait(redis_url):
    async with Redis.from_url(redis_url, max_connections=4) as client:
        store, slot = RedisSlotStore(client, timeout=30), Slot("export", "", 10)
        found = await asyncio.gather(*(store.take([slot]) for _ in range(50)))
        assert sum(not isinstance(each, Slot) for each in found) == 10
