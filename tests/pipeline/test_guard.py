from __future__ import annotations

from tests.pipeline.asgi import make_exchange
from zenith.pipeline import Guard


async def test_a_guard_that_overrides_nothing_does_nothing():
    guard, exchange = Guard(), make_exchange()
    assert guard.on_request(exchange) is None
    assert guard.on_response(exchange) is None
    assert guard.on_accept(exchange, []) is None
    assert guard.readdress(exchange.scope) is exchange.scope
    assert await guard.startup() is None
    assert await guard.shutdown() is None
    assert guard.consumes == ()
