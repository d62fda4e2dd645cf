from __future__ import annotations

from tests.pipeline.asgi import make_exchange
from zenith.api_keys import APIKey, APIKeyScheme
from zenith.assembly.bans import owner_of_key


def test_the_account_behind_a_key_is_found() -> None:
    exchange = make_exchange()
    assert owner_of_key(exchange) is None
    for owner in (None, "ann"):
        key = APIKey(name="k", key_hash="h", prefix="zk_", owner_id=owner)
        exchange.state[APIKeyScheme] = key
        assert owner_of_key(exchange) == owner
