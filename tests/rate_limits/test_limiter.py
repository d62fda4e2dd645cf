from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError, RateLimitError
from zenith.rate_limits import Hit, Limit, RateLimiter
from zenith.stores.memory import MemoryRateLimitStore


@pytest.fixture
def limiter():
    return RateLimiter(MemoryRateLimitStore(clock=lambda: 0.0))


def test_a_limiter_needs_a_store():
    with pytest.raises(ConfigurationError, match="MemoryRateLimitStore"):
        RateLimiter(object())


async def test_hits_are_charged_and_told(limiter):
    limit = Limit(1, 60)
    assert [usage.allowed for usage in await limiter.hit([Hit(limit, "a")])] == [True]
    assert [usage.allowed for usage in await limiter.hit([Hit(limit, "a")])] == [False]


async def test_admit_raises_with_the_longest_wait(limiter):
    limits = [Limit(1, 60, "fixed_window"), Limit(1, 3600, "fixed_window")]
    hits = [Hit(limit, "a") for limit in limits]
    assert len(await limiter.admit(hits)) == 2
    with pytest.raises(RateLimitError) as caught:
        await limiter.admit(hits)
    assert caught.value.retry_after == 3600
    assert caught.value.headers["Retry-After"] == "3600"
    assert "default|fixed_window|1|60" in caught.value.reason


@pytest.mark.parametrize("strategy", ["fixed_window", "sliding_window", "token_bucket"])
async def test_the_call_of_the_guide(limiter, strategy):
    for remaining in (2, 1, 0):
        allowed, info = await limiter.check_rate_limit("user:1", 3, 60, strategy)
        assert allowed
        assert info["limit"] == 3
        assert info["remaining"] == remaining
    allowed, info = await limiter.check_rate_limit("user:1", 3, 60, strategy)
    assert not allowed
    assert info["remaining"] == 0
    assert 0 < info["reset"] <= 120
    assert isinstance(info["reset"], int)
    assert (await limiter.check_rate_limit("user:2", 3, 60, strategy))[0]


async def test_the_call_of_the_guide_with_an_unknown_strategy(limiter):
    with pytest.raises(ConfigurationError, match="token_bucket"):
        await limiter.check_rate_limit("user:1", 3, 60, "magic")


async def test_the_call_of_the_second_guide(limiter):
    assert [await limiter.is_allowed("1.2.3.4", 2) for _ in range(3)] == [True, True, False]
    assert [await limiter.is_allowed("1.2.3.5") for _ in range(101)].count(True) == 100


async def test_require_counts_each_key(limiter):
    async def sign_in(address, account):
        await limiter.require(
            "sign-in", keys={"address": address, "account": account}, limits="2/minute"
        )

    await sign_in("1.1.1.1", "mallory")
    await sign_in("1.1.1.1", "alice")
    with pytest.raises(RateLimitError) as caught:
        await sign_in("1.1.1.1", "bob")
    assert caught.value.reason == "over sign-in:address|sliding_window|2|60"
    await sign_in("2.2.2.2", "alice")
    with pytest.raises(RateLimitError) as caught:
        await sign_in("3.3.3.3", "alice")
    assert caught.value.reason == "over sign-in:account|sliding_window|2|60"
    assert "account" not in caught.value.detail
    # Bob's attempt was refused by the address alone and cost his account nothing.
    await sign_in("4.4.4.4", "bob")
    await sign_in("5.5.5.5", "bob")


async def test_require_with_limits_by_kind_and_a_cost(limiter):
    async def send(cost):
        await limiter.require(
            "mail",
            keys={"address": "1.1.1.1", "account": "a"},
            limits={"address": "10/minute", "account": (Limit(4, 60), Limit(6, 3600))},
            cost=cost,
        )

    await send(3)
    with pytest.raises(RateLimitError, match="Too many"):
        await send(2)
    await send(1)


async def test_names_do_not_share(limiter):
    for name in ("a", "b"):
        await limiter.require(name, keys={"address": "1.1.1.1"}, limits="1/minute")


async def test_require_without_keys_is_a_mistake(limiter):
    with pytest.raises(ConfigurationError, match="no key"):
        await limiter.require("a", keys={}, limits="1/minute")
