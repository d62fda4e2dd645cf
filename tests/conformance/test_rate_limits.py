"""One suite for every store of rate limits: memory, Redis, Redis Cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis, RedisCluster

from zenith.rate_limits import Hit, Limit, RateLimitStore, RateLimitStoreError
from zenith.stores.memory import MemoryRateLimitStore
from zenith.stores.redis.rate_limits import SCRIPT, RedisRateLimitStore

STRATEGIES = ("fixed_window", "sliding_window", "sliding_log", "token_bucket")
EPOCH = 1_790_000_040
"""On the border of a minute."""


class FakeClock:
    def __init__(self) -> None:
        self.now = float(EPOCH)

    def __call__(self) -> float:
        return self.now


class TimedRedisStore(RedisRateLimitStore):
    """The same script, told the time by the test."""

    def __init__(self, client: Any, clock: FakeClock) -> None:
        super().__init__(client, clock=clock, timeout=10)
        self.clock = clock
        self.calls = 0

    async def _call(self, *arguments):
        self.calls += 1
        seconds, rest = divmod(round(self.clock.now * 1000), 1000)
        said = f"{{'{seconds}', '{rest * 1000}'}}"
        self._script = SCRIPT.replace("redis.call('TIME')", said)
        assert self._script != SCRIPT
        return await super()._call(*arguments)


@dataclass
class Bench:
    kind: str
    clock: FakeClock
    store: RateLimitStore
    other: RateLimitStore
    """A second process's store over the same counters."""
    clients: list[Any]
    make: Callable[[], RateLimitStore]


@pytest.fixture(params=["memory", "redis", "redis_cluster"])
async def bench(request):
    clock = FakeClock()
    if request.param == "memory":
        # Counts from the start of the process: the same borders as the servers.
        clock.now = 0.0
        store = MemoryRateLimitStore(clock=clock)
        clock.now = float(EPOCH)
        yield Bench("memory", clock, store, store, [], lambda: store)
        return
    url = request.getfixturevalue(f"{request.param}_url")
    kind: Any = Redis if request.param == "redis" else RedisCluster
    clients = [kind.from_url(url) for _ in range(2)]
    async with contextlib.AsyncExitStack() as stack:
        for client in clients:
            stack.push_async_callback(client.aclose)
        stores = [TimedRedisStore(client, clock) for client in clients]
        yield Bench(
            request.param, clock, *stores, clients, lambda: TimedRedisStore(clients[0], clock)
        )


async def admitted(store, limit, key, count, cost=1):
    usages = [(await store.hit([Hit(limit, key, cost)]))[0] for _ in range(count)]
    return sum(usage.allowed for usage in usages)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_limit_and_not_one_more(bench, strategy):
    limit = Limit(7, 60, strategy)
    assert await admitted(bench.store, limit, "a", 20) == 7
    assert await admitted(bench.other, limit, "a", 5) == 0
    assert await admitted(bench.store, limit, "b", 20) == 7


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_usage_tells_what_is_left(bench, strategy):
    limit = Limit(3, 60, strategy)
    usages = [(await bench.store.hit([Hit(limit, "a")]))[0] for _ in range(4)]
    assert [usage.remaining for usage in usages] == [2, 1, 0, 0]
    assert [usage.allowed for usage in usages] == [True, True, True, False]
    assert [usage.limit for usage in usages] == [3] * 4
    assert [usage.retry_after for usage in usages[:3]] == [0.0] * 3
    waits = {"fixed_window": 60, "sliding_window": 80, "sliding_log": 60, "token_bucket": 20}
    assert usages[3].retry_after == waits[strategy]
    resets = {
        "fixed_window": [60, 60, 60, 60],
        "sliding_window": [120, 120, 120, 120],
        "sliding_log": [60, 60, 60, 60],
        "token_bucket": [20, 40, 60, 60],
    }
    assert [usage.reset_after for usage in usages] == resets[strategy]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("store", ["store", "other"])
async def test_who_waits_as_told_is_admitted_and_not_before(bench, strategy, store):
    limit = Limit(7, 60, strategy)
    bench.clock.now += 13
    await admitted(bench.store, limit, "a", 5)
    bench.clock.now += 11.25
    await admitted(bench.store, limit, "a", 5)
    refused = (await bench.store.hit([Hit(limit, "a")]))[0]
    assert not refused.allowed
    asked = getattr(bench, store)
    bench.clock.now += refused.retry_after - 0.001
    assert not (await asked.hit([Hit(limit, "a")]))[0].allowed
    bench.clock.now += 0.001
    assert (await bench.store.hit([Hit(limit, "a")]))[0].allowed


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_after_the_reset_everything_is_there_again(bench, strategy):
    limit = Limit(5, 60, strategy)
    bench.clock.now += 31.5
    last = [(await bench.store.hit([Hit(limit, "a")]))[0] for _ in range(5)][-1]
    bench.clock.now += last.reset_after
    assert await admitted(bench.make(), limit, "a", 9) == 5


async def test_a_fixed_window_ends_at_its_border(bench):
    limit = Limit(5, 60, "fixed_window")
    bench.clock.now += 59.999
    assert await admitted(bench.store, limit, "a", 9) == 5
    bench.clock.now += 0.001
    assert await admitted(bench.make(), limit, "a", 9) == 5


@pytest.mark.parametrize("strategy", ["sliding_window", "sliding_log", "token_bucket"])
async def test_no_burst_passes_at_a_border(bench, strategy):
    limit = Limit(5, 60, strategy)
    bench.clock.now += 59.999
    assert await admitted(bench.store, limit, "a", 9) == 5
    bench.clock.now += 0.001
    assert await admitted(bench.make(), limit, "a", 9) == 0


async def test_a_sliding_window_fades(bench):
    limit = Limit(10, 60)
    await admitted(bench.store, limit, "a", 10)
    bench.clock.now += 60
    assert await admitted(bench.make(), limit, "a", 1) == 0
    bench.clock.now += 30
    assert await admitted(bench.make(), limit, "a", 9) == 5
    bench.clock.now += 30
    assert await admitted(bench.make(), limit, "a", 9) == 5


async def test_a_bucket_refills_evenly(bench):
    limit = Limit(6, 60, "token_bucket")
    assert await admitted(bench.store, limit, "a", 9) == 6
    for _ in range(3):
        bench.clock.now += 10
        assert await admitted(bench.make(), limit, "a", 2) == 1
    bench.clock.now += 25
    assert await admitted(bench.make(), limit, "a", 5) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_costs(bench, strategy):
    limit = Limit(10, 60, strategy)
    assert await admitted(bench.store, limit, "a", 5, cost=4) == 2
    assert await admitted(bench.store, limit, "a", 5, cost=1) == 2
    (never,) = await bench.store.hit([Hit(limit, "b", 11)])
    assert not never.allowed
    assert never.remaining == 10
    assert never.retry_after == 60
    assert await admitted(bench.store, limit, "b", 3, cost=5) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("cost", [0, -5])
async def test_a_hit_that_costs_nothing_is_a_mistake(bench, strategy, cost):
    limit = Limit(10, 60, strategy)
    with pytest.raises(ValueError, match="at least 1"):
        await bench.store.hit([Hit(limit, "a", cost)])
    assert await admitted(bench.store, limit, "a", 11) == 10


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_what_is_settled_later_takes_what_is_left(bench, strategy):
    limit = Limit(10, 60, strategy)
    assert await admitted(bench.store, limit, "a", 1, cost=4) == 1
    other = Hit(Limit(3, 60, name="other"), "a")
    for remaining in (0, 0):
        usages = await bench.make().hit([Hit(limit, "a", 50, partial=True), other])
        assert [usage.allowed for usage in usages] == [True, True]
        assert usages[0].remaining == remaining
        assert usages[0].retry_after == 0
    assert await admitted(bench.make(), limit, "a", 1) == 0
    assert await admitted(bench.make(), other.limit, "a", 9) == 1


async def test_a_log_forgets_each_hit_at_its_own_time(bench):
    limit = Limit(3, 60, "sliding_log")
    for _ in range(3):
        assert await admitted(bench.store, limit, "a", 1) == 1
        bench.clock.now += 20
    assert await admitted(bench.make(), limit, "a", 9) == 1
    bench.clock.now += 19.999
    assert await admitted(bench.make(), limit, "a", 9) == 0
    bench.clock.now += 0.001
    assert await admitted(bench.make(), limit, "a", 9) == 1


async def test_all_are_charged_or_none(bench):
    wide, narrow = Limit(10, 60, name="wide"), Limit(2, 3600, "token_bucket", name="narrow")
    both = [Hit(wide, "a"), Hit(narrow, "a")]
    for _ in range(2):
        assert all(usage.allowed for usage in await bench.store.hit(both))
    for _ in range(20):
        usages = await bench.make().hit(both)
        assert [usage.allowed for usage in usages] == [True, False]
    # Twenty refusals spent nothing of the wide one.
    assert await admitted(bench.make(), wide, "a", 20) == 8


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_refused_first_hit_leaves_nothing_behind(bench, strategy):
    wide, full = Limit(3, 60, strategy, name="wide"), Limit(1, 60, name="full")
    await admitted(bench.store, full, "a", 1)
    for _ in range(5):
        await bench.make().hit([Hit(wide, "a"), Hit(full, "a")])
    assert await admitted(bench.make(), wide, "a", 9) == 3


async def test_the_same_limit_twice_is_charged_twice(bench):
    limit = Limit(5, 60)
    twice = [Hit(limit, "a"), Hit(limit, "a")]
    assert [u.remaining for u in await bench.store.hit(twice)] == [4, 3]
    assert [u.remaining for u in await bench.store.hit(twice)] == [2, 1]
    assert [u.allowed for u in await bench.store.hit(twice)] == [True, False]
    assert await admitted(bench.make(), limit, "a", 9) == 1


async def test_two_keys_the_first_refuses(bench):
    limit = Limit(2, 60)
    both = [Hit(limit, "address"), Hit(limit, "account")]
    await admitted(bench.store, limit, "address", 2)
    for _ in range(5):
        usages = await bench.make().hit(both)
        assert not usages[0].allowed
    # The victim's account was not charged for it.
    assert await admitted(bench.make(), limit, "account", 9) == 2


async def test_two_keys_the_second_refuses(bench):
    limit = Limit(4, 60)
    await admitted(bench.store, limit, "account", 4)
    for _ in range(3):
        usages = await bench.make().hit([Hit(limit, "address"), Hit(limit, "account")])
        assert [usage.allowed for usage in usages] == [True, False]
    # In a cluster the two lie on different nodes: then the caller's address bears the cost.
    left = 1 if bench.kind == "redis_cluster" else 4
    assert await admitted(bench.make(), limit, "address", 9) == left


async def test_limits_do_not_share_counters_unless_they_are_the_same(bench):
    limits = [
        Limit(2, 60),
        Limit(2, 60, "token_bucket"),
        Limit(2, 61),
        Limit(3, 60),
        Limit(2, 60, name="other"),
    ]
    for limit in limits:
        assert await admitted(bench.store, limit, "a", 5) == limit.requests
    assert await admitted(bench.other, Limit(2, 60, label="shown"), "a", 5) == 0


@pytest.mark.parametrize("key", ["", "x" * 100_000, "ключ", "a\ud800b", "a}{b", "a:b|c"])
async def test_any_text_is_a_key(bench, key):
    limit = Limit(2, 60)
    assert await admitted(bench.store, limit, key, 5) == 2
    assert await admitted(bench.store, limit, key + "!", 5) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("back", [0.5, 30, 59])
async def test_a_clock_that_goes_back_a_little_frees_nobody(bench, strategy, back):
    limit = Limit(5, 60, strategy)
    bench.clock.now += 120
    assert await admitted(bench.store, limit, "a", 5) == 5
    bench.clock.now -= back
    assert await admitted(bench.make(), limit, "a", 5) == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_clock_that_goes_back_far_shuts_nobody_out(bench, strategy):
    limit = Limit(5, 60, strategy)
    bench.clock.now += 3600
    assert await admitted(bench.store, limit, "a", 5) == 5
    bench.clock.now -= 3600
    assert await admitted(bench.make(), limit, "a", 9) == 5


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_clock_that_leaps_ahead_ends_every_wait(bench, strategy):
    limit = Limit(5, 60, strategy)
    await admitted(bench.store, limit, "a", 9)
    bench.clock.now += 1e8
    assert await admitted(bench.make(), limit, "a", 9) == 5


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_race_of_200_over_two_clients(bench, strategy):
    limit = Limit(50, 60, strategy)
    stores = (bench.store, bench.other)
    hits = [Hit(limit, "a"), Hit(limit, "all")]
    answers = await asyncio.gather(
        *(stores[number % 2].hit(hits) for number in range(200)), return_exceptions=True
    )
    passed, lost = 0, 0
    for usages in answers:
        if isinstance(usages, BaseException):
            # A starved test machine may take its own cluster for dead; then nobody knows.
            assert isinstance(usages, RateLimitStoreError)
            lost += 1
        else:
            passed += all(usage.allowed for usage in usages)
    assert passed <= 50
    assert passed + lost >= 50


async def test_the_largest_numbers_count_exactly(bench):
    limit = Limit(9_000_000_000 // 366, 366 * 86400 // 100, "token_bucket")
    almost = limit.requests - 1
    (first,) = await bench.store.hit([Hit(limit, "a", almost)])
    assert first.remaining == 1
    assert await admitted(bench.store, limit, "a", 3) == 1
