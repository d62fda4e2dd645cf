from __future__ import annotations

from tests.pipeline.asgi import make_exchange
from zenith.accounts import Client
from zenith.kernel.events import EventType


def test_a_client_is_read_from_the_request():
    exchange = make_exchange(
        headers=[("user-agent", "x" * 1000), ("cookie", "zenith-device=abc.def")]
    )
    client = Client.of(exchange, device_cookie="zenith-device")
    assert client.address == "203.0.113.9"
    assert client.user_agent == "x" * 256
    assert client.device == "abc.def"
    assert client.request_id == exchange.request_id
    assert Client.of(exchange).device == ""


def test_commands_have_a_client_too():
    event = Client.local().event(EventType.ACCOUNT_LOCKED, "success", at=1.0, target="a")
    assert (event.address, event.target, event.severity) == ("local", "a", "INFO")
    assert event.request_id
