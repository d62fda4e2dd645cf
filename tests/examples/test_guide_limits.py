"""The guides' rate limits: the limiter with three strategies, the decorator, the simple one."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from examples.guide.limits import memory_limiter, redis_limiter
from zenith import rate_limit
from zenith.kernel.errors import ConfigurationError
from zenith.rate_limits import RateLimiter
from zenith.stores.memory import MemoryRateLimitStore

STRATEGIES = ["fixed_window", "sliding_window", "token_bucket"]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_each_strategy_admits_the_limit_and_not_one_more(strategy):
    """The sliding window of the guide stores each request under its time, so two of the same
    microsecond count once; its bucket tells a reset below zero."""
    limiter = memory_limiter()
    told = [await limiter.check_rate_limit("ada", 3, 60, strategy) for _ in range(5)]
    assert [allowed for allowed, _ in told] == [True, True, True, False, False]
    assert [info["remaining"] for _, info in told] == [2, 1, 0, 0, 0]
    assert all(info["limit"] == 3 and 0 < info["reset"] <= 120 for _, info in told)
    assert (await limiter.check_rate_limit("bob", 3, 60, strategy))[0]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_many_at_once_do_not_get_past_the_limit(redis_url, strategy):
    """The guide counts in several commands: between them others count too, and a process that dies
    between INCR and EXPIRE leaves a window that never ends."""
    clients = [Redis.from_url(redis_url) for _ in range(4)]
    limiters = [redis_limiter(client, timeout=10) for client in clients]
    told = await asyncio.gather(
        *(limiters[n % 4].check_rate_limit("ada", 10, 60, strategy) for n in range(40))
    )
    keys = [key async for key in clients[0].scan_iter()]
    lifetimes = [await clients[0].pttl(key) for key in keys]
    for client in clients:
        await client.aclose()
    assert sum(allowed for allowed, _ in told) == 10
    assert keys
    assert all(lifetime > 0 for lifetime in lifetimes)


async def test_an_unknown_strategy_is_refused():
    """With the guide's decorator it would be found by the first visitor."""
    with pytest.raises(ConfigurationError, match="leaky"):
        rate_limit(requests=10, window=60, strategy="leaky")
    with pytest.raises(ConfigurationError, match="leaky"):
        await memory_limiter().check_rate_limit("ada", 3, 60, "leaky")


async def test_search_is_limited_to_ten_a_minute(guide):
    """The handler of the guide has no parameter called `request`, so its decorator lets everybody
    through; it also makes a limiter anew for each call."""
    answers = [await guide.client.get("/api/search", params={"query": "a"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) > 0
    for name in ("limit", "remaining", "reset"):
        assert refused.headers[f"x-ratelimit-{name}"].isdigit()
    # The guide never puts the headers of admitted requests on the answer.
    assert answers[0].headers["x-ratelimit-limit"] == "10"
    assert answers[0].headers["x-ratelimit-remaining"] == "9"


async def test_a_forged_proxy_header_is_no_new_client(guide):
    """Whoever takes the leftmost address of X-Forwarded-For lets each client choose its own; with
    the guide's `request.client.host` behind a proxy all of them are one."""
    statuses = [
        (
            await guide.client.get(
                "/api/search", params={"query": "a"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
            )
        ).status_code
        for n in range(12)
    ]
    assert statuses[10:] == [429, 429]


async def test_the_path_in_the_address_does_not_make_new_counters(guide):
    """The guide's key holds the path as it was asked for, so every id has counters of its own."""
    for n in range(10):
        await guide.client.get("/api/search", params={"query": str(n)})
    assert (await guide.client.get("/api/search?query=other")).status_code == 429


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_is_allowed_counts_a_minute():
    """The second guide keeps a queue for every client it has ever seen and never removes one: many
    addresses fill the memory. It reads the wall clock, which may be set back."""
    clock = Clock()
    store = MemoryRateLimitStore(max_clients=1_000, clock=clock)
    limiter = RateLimiter(store)
    assert [await limiter.is_allowed("ada", max_requests=2) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    clock.now += 121
    assert await limiter.is_allowed("ada", max_requests=2)
    for n in range(5_000):
        await limiter.is_allowed(f"client {n}")
    assert len(store) <= 1_000 + 65_536
    clock.now += 600
    for _ in range(5_000):
        await limiter.is_allowed("ada", max_requests=10_000)
    assert len(store) < 10
