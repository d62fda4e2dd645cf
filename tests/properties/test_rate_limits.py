"""The strategies against plain models that keep every hit."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from zenith.rate_limits import Hit, Limit
from zenith.rate_limits.strategies import STRATEGIES
from zenith.stores.memory import MemoryRateLimitStore
from zenith.stores.redis.rate_limits import SCRIPT, RedisRateLimitStore

WINDOW = 1000
steps = st.lists(st.tuples(st.integers(0, 700), st.integers(1, 4)), min_size=1, max_size=60)
limits = st.integers(1, 12)
names = st.sampled_from(list(STRATEGIES))


class FixedModel:
    def __init__(self, limit):
        self.limit, self.hits = limit, []

    def hit(self, now, cost):
        start = now // WINDOW * WINDOW
        used = sum(paid for at, paid in self.hits if at >= start)
        if used + cost > self.limit:
            return False
        self.hits.append((now, cost))
        return True


class SlidingModel(FixedModel):
    def hit(self, now, cost):
        start = now // WINDOW * WINDOW
        current = sum(paid for at, paid in self.hits if at >= start)
        previous = sum(paid for at, paid in self.hits if start - WINDOW <= at < start)
        if previous * Fraction(start + WINDOW - now, WINDOW) + current + cost > self.limit:
            return False
        self.hits.append((now, cost))
        return True


class LogModel(FixedModel):
    def hit(self, now, cost):
        used = sum(paid for at, paid in self.hits if at > now - WINDOW)
        if used + cost > self.limit:
            return False
        self.hits.append((now, cost))
        return True


class BucketModel:
    def __init__(self, limit):
        self.limit, self.tokens, self.at = limit, Fraction(limit), 0

    def hit(self, now, cost):
        refilled = self.tokens + Fraction((now - self.at) * self.limit, WINDOW)
        self.tokens, self.at = min(refilled, Fraction(self.limit)), now
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


MODELS = {
    "fixed_window": FixedModel,
    "sliding_window": SlidingModel,
    "sliding_log": LogModel,
    "token_bucket": BucketModel,
}


@given(name=names, limit=limits, steps=steps)
def test_admits_what_the_model_admits(name, limit, steps):
    engine, model, state, now = STRATEGIES[name](limit, WINDOW), MODELS[name](limit), 0, 0
    for pause, cost in steps:
        now += pause
        state, usage = engine.hit(state, now, cost)
        assert usage.allowed == model.hit(now, cost)


@given(name=names, limit=limits, steps=steps)
def test_who_waits_exactly_as_told_is_admitted(name, limit, steps):
    engine, state, now = STRATEGIES[name](limit, WINDOW), 0, 0
    for pause, cost in steps:
        now += pause
        after, usage = engine.hit(state, now, cost)
        assert usage.allowed == (usage.retry_after == 0)
        assert 0 <= usage.remaining <= limit
        wait = round(usage.retry_after * 1000)
        if not usage.allowed and cost <= limit:
            assert engine.hit(state, now + wait, cost)[1].allowed
            assert not engine.hit(state, now + wait - 1, cost)[1].allowed
        if usage.remaining:
            assert engine.hit(after, now, usage.remaining)[1].allowed
        assert not engine.hit(after, now, usage.remaining + 1)[1].allowed
        state = after


@given(name=names, limit=limits, steps=steps)
def test_after_the_reset_a_state_is_as_good_as_none(name, limit, steps):
    engine, state, now = STRATEGIES[name](limit, WINDOW), 0, 0
    for pause, cost in steps:
        now += pause
        state, usage = engine.hit(state, now, cost)
        later = now + round(usage.reset_after * 1000)
        assert engine.hit(state, later, limit)[1] == engine.hit(0, later, limit)[1]
        if engine.is_expired(state, now):
            assert engine.hit(state, now, limit)[1] == engine.hit(0, now, limit)[1]


@given(
    name=names,
    limit=limits,
    steps=st.lists(st.tuples(st.integers(-3000, 3000), st.integers(1, 4)), max_size=40),
)
def test_a_wild_clock_breaks_nothing(name, limit, steps):
    engine, state, now = STRATEGIES[name](limit, WINDOW), 0, 100_000
    for leap, cost in steps:
        now = max(now + leap, 0)
        state, usage = engine.hit(state, now, cost)
        assert 0 <= usage.remaining <= limit
        # A clock that went back by up to a window has that way to go once more.
        assert usage.retry_after <= 3 * WINDOW / 1000
        assert usage.reset_after <= 3 * WINDOW / 1000


@given(
    name=st.sampled_from(["fixed_window", "sliding_window"]),
    limit=limits,
    steps=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, WINDOW - 1), st.integers(1, 4)), max_size=60
    ),
)
def test_what_was_counted_stands_while_the_clock_jumps(name, limit, steps):
    engine, state, clock, newest = STRATEGIES[name](limit, WINDOW), 0, 100_000, 0
    spent: Counter[int] = Counter()
    for pause, behind, cost in steps:
        clock += pause
        state, usage = engine.hit(state, clock - behind, cost)
        if usage.allowed:
            newest = max(newest, clock - behind)
            spent[newest // WINDOW] += cost
            assert spent[newest // WINDOW] <= limit
            later = clock - behind + round(usage.reset_after * 1000)
            assert engine.hit(state, later, limit)[1] == engine.hit(0, later, limit)[1]


@given(
    hits=st.lists(
        st.tuples(
            st.integers(0, 400),
            st.lists(
                st.tuples(names, st.sampled_from("ab"), st.integers(1, 3)), min_size=1, max_size=4
            ),
        ),
        max_size=40,
    )
)
def test_several_limits_are_charged_all_or_none(hits):
    now = 0.0
    store = MemoryRateLimitStore(clock=lambda: now / 1000)
    states: dict[tuple[str, str], int] = {}
    for pause, wanted in hits:
        now += pause
        call = [Hit(Limit(5, 1, name), key, cost) for name, key, cost in wanted]
        expected, tried = [], dict(states)
        for limit, key, cost, _ in call:
            state, usage = limit.engine.hit(
                tried.get((limit.id, key), 0), int(now / 1000 * 1000), cost
            )
            tried[limit.id, key] = state
            expected.append(usage)
        assert store.hit_now(call) == expected
        if all(usage.allowed for usage in expected):
            states = tried


class TimedRedisStore(RedisRateLimitStore):
    """The same script, told the time by the test; it forgets nothing in between."""

    now = 0

    async def _call(self, *arguments: Any) -> Any:
        said = f"{{'{self.now // 1000}', '{self.now % 1000 * 1000}'}}"
        self._script = SCRIPT.replace("redis.call('TIME')", said).replace(
            "'PX', expiries[key]", "'PX', 600000"
        )
        assert "'PX', 600000)" in self._script
        return await super()._call(*arguments)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=names,
    limit=limits,
    steps=st.lists(
        st.tuples(st.integers(-800, 1500), st.integers(1, 4), st.booleans()), max_size=15
    ),
)
def test_redis_counts_as_the_engines_do(redis_url, name, limit, steps):
    async def compare() -> None:
        async with Redis.from_url(redis_url) as client:
            rule = Limit(limit, 1, name)
            now, key, state = 1_790_000_000_000, secrets.token_hex(8), 0
            for leap, cost, partial in steps:
                now += leap
                store = TimedRedisStore(client, timeout=10)
                store.now = now
                (usage,) = await store.hit([Hit(rule, key, cost, partial)])
                state, expected = rule.engine.hit(state, now, cost)
                if partial and not expected.allowed:
                    if expected.remaining:
                        state, expected = rule.engine.hit(state, now, expected.remaining)
                    else:
                        expected = expected._replace(allowed=True, retry_after=0.0)
                assert usage == expected

    asyncio.run(compare())


@given(limit=limits, steps=steps)
def test_no_window_wherever_it_begins_sees_more_than_a_log_allows(limit, steps):
    engine, state, now, passed = STRATEGIES["sliding_log"](limit, WINDOW), 0, 0, []
    for pause, cost in steps:
        now += pause
        state, usage = engine.hit(state, now, cost)
        passed += [(now, cost)] * usage.allowed
    for start, _ in passed:
        assert sum(cost for at, cost in passed if start <= at < start + WINDOW) <= limit


@given(limit=limits, steps=steps)
def test_a_log_takes_memory_for_its_limit_and_no_more(limit, steps):
    engine, state, now = STRATEGIES["sliding_log"](limit, WINDOW), 0, 1_790_000_000_000
    for pause, cost in steps:
        now += pause
        state, _ = engine.hit(state, now, cost)
        assert state.bit_length() <= (limit + 1) * (48 + limit.bit_length())


@given(
    name=names,
    hits=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 9), st.booleans()), max_size=30),
)
def test_what_is_settled_takes_what_is_left(name, hits):
    now, limit = 0.0, Limit(6, 1, name)
    store, state = MemoryRateLimitStore(clock=lambda: now / 1000), 0
    for pause, cost, partial in hits:
        now += pause
        (usage,) = store.hit_now([Hit(limit, "a", cost, partial)])
        left = limit.engine.hit(state, int(now / 1000 * 1000), 7)[1].remaining
        paid = min(cost, left) if partial else cost if cost <= left else 0
        assert usage.allowed == (partial or paid == cost)
        if paid:
            state, expected = limit.engine.hit(state, int(now / 1000 * 1000), paid)
            assert usage == expected


@pytest.mark.parametrize("name", ["fixed_window", "sliding_window", "token_bucket"])
def test_the_largest_limits_lose_no_request(name):
    limit = Limit(90_000_000, 100_000, name)
    state, now = 0, 1_790_000_000_123
    for cost in (1, 89_999_998, 1):
        state, usage = limit.engine.hit(state, now, cost)
        assert usage.allowed
    assert not limit.engine.hit(state, now, 1)[1].allowed
