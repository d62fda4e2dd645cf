from __future__ import annotations

import pytest

from zenith.rate_limits.strategies import STRATEGIES, FixedWindow, SlidingWindow, TokenBucket


@pytest.mark.parametrize("make", STRATEGIES.values())
def test_a_refusal_leaves_the_state(make):
    engine = make(2, 1000)
    state = 0
    for _ in range(2):
        state, usage = engine.hit(state, 5000, 1)
        assert usage.allowed
    after, usage = engine.hit(state, 5000, 1)
    assert not usage.allowed
    assert after == state


@pytest.mark.parametrize("make", STRATEGIES.values())
@pytest.mark.parametrize("cost", [0, -1])
def test_a_cost_below_one_is_a_mistake(make, cost):
    with pytest.raises(ValueError, match="at least 1"):
        make(2, 1000).hit(0, 0, cost)


@pytest.mark.parametrize("make", STRATEGIES.values())
def test_a_state_expires_after_its_horizon_and_not_before_it_says_nothing(make):
    engine = make(2, 1000)
    state, usage = engine.hit(0, 5250, 2)
    assert not engine.is_expired(state, 5251)
    assert not engine.is_expired(state, 5250 + round(usage.reset_after * 1000) - 1)
    assert engine.is_expired(state, 5250 + engine.horizon)
    fresh = engine.hit(0, 5250 + engine.horizon, 1)
    assert engine.hit(state, 5250 + engine.horizon, 1)[1] == fresh[1]


def test_fixed_window():
    engine = FixedWindow(3, 1000)
    state, usage = engine.hit(0, 7900, 1)
    assert usage == (3, 2, 0.1, 0.0, True)
    state, usage = engine.hit(state, 7999, 2)
    assert usage == (3, 0, 0.001, 0.0, True)
    assert engine.hit(state, 7999, 1)[1] == (3, 0, 0.001, 0.001, False)
    assert engine.hit(state, 8000, 1)[1] == (3, 2, 1.0, 0.0, True)


def test_sliding_window():
    engine = SlidingWindow(10, 1000)
    state, usage = engine.hit(0, 7500, 10)
    assert usage == (10, 0, 1.5, 0.0, True)
    # Full in this window: at the start of the next, less than a whole request has faded.
    _, usage = engine.hit(state, 7500, 1)
    assert usage == (10, 0, 1.5, 0.6, False)
    assert engine.hit(state, 8099, 1)[1] == (10, 0, 0.901, 0.001, False)
    state, usage = engine.hit(state, 8100, 1)
    assert usage == (10, 0, 1.9, 0.0, True)
    assert engine.hit(state, 8100, 10)[1].retry_after == 1.9
    assert engine.hit(state, 9000, 10)[1].retry_after == 1.0
    assert engine.hit(state, 10_000, 10)[1].allowed


def test_token_bucket():
    engine = TokenBucket(3, 1000)
    state, usage = engine.hit(0, 7000, 1)
    assert usage == (3, 2, 0.334, 0.0, True)
    state, usage = engine.hit(state, 7000, 2)
    assert usage == (3, 0, 1.0, 0.0, True)
    assert engine.hit(state, 7333, 1)[1] == (3, 0, 0.667, 0.001, False)
    state, usage = engine.hit(state, 7334, 1)
    assert usage == (3, 0, 1.0, 0.0, True)
    assert engine.hit(state, 9000, 3)[1].allowed


@pytest.mark.parametrize("make", STRATEGIES.values())
def test_a_cost_above_the_limit_is_never_admitted(make):
    engine = make(3, 1000)
    state, usage = engine.hit(0, 7000, 4)
    assert state == 0
    assert usage.retry_after == 1.0
    assert not usage.allowed


@pytest.mark.parametrize("make", STRATEGIES.values())
def test_a_clock_that_goes_back(make):
    engine = make(3, 1000)
    state, _ = engine.hit(0, 90_000, 3)
    assert not engine.hit(state, 89_500, 1)[1].allowed
    assert not engine.hit(state, 89_001, 1)[1].allowed
    assert engine.hit(state, 80_000, 3)[1].allowed
