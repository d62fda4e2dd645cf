"""Plain functions and generators behind a limit that the guard has charged before the body."""

from __future__ import annotations

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.pipeline import current_exchange
from zenith.rate_limits import RateLimiter, RateLimitGuard, rate_limit
from zenith.stores.memory import MemoryRateLimitStore


@rate_limit("5/minute")
def function(word):
    return word


@rate_limit("5/minute")
def generator(word):
    yield from word


@pytest.mark.parametrize(("endpoint", "expected"), [(function, "ab"), (generator, ["a", "b"])])
async def test_what_was_charged_is_not_charged_again(endpoint, expected):
    store = MemoryRateLimitStore()
    exchange = make_exchange()
    exchange.marks = endpoint.__zenith_marks__
    await RateLimitGuard(RateLimiter(store)).on_request(exchange)
    charged = len(store)
    token = current_exchange.set(exchange)
    try:
        answer = endpoint("ab")
        assert (answer if endpoint is function else list(answer)) == expected
    finally:
        current_exchange.reset(token)
    assert len(store) == charged
