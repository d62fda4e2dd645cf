from __future__ import annotations

import pytest

from tests.pipeline.asgi import make_exchange, receiver, websocket_scope
from zenith.kernel.errors import MisdirectedRequestError
from zenith.pipeline import Exchange
from zenith.transport import TransportGuard, TransportSettings

BEHIND = TransportSettings(trusted_proxies=("10.0.0.0/8",))
RFC_7239 = TransportSettings(trusted_proxies=("10.0.0.0/8",), proxy_headers="forwarded")
HOST = TransportSettings(trusted_proxies=("10.0.0.0/8",), trust_forwarded_host=True)


async def seen(settings, *headers, peer="10.0.0.1", **more):
    exchange = make_exchange(headers=headers, client=peer, **more)
    TransportGuard(settings).on_request(exchange)
    return exchange


async def test_the_client_behind_a_proxy():
    exchange = await seen(
        BEHIND, ("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https")
    )
    assert (exchange.client, exchange.secure) == ("198.51.100.7", True)
    assert exchange.scope["client"] == ("198.51.100.7", 0)
    assert exchange.scope["scheme"] == "https"


async def test_what_the_client_wrote_left_of_the_proxy_is_not_believed():
    exchange = await seen(BEHIND, ("x-forwarded-for", "127.0.0.1, 198.51.100.7, 10.0.0.2"))
    assert exchange.client == "198.51.100.7"
    exchange = await seen(
        BEHIND, ("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")
    )
    assert exchange.client == "198.51.100.7"


async def test_without_a_proxy_nothing_is_believed():
    headers = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=127.0.0.1;proto=https"),
        ("x-forwarded-host", "evil.example"),
    ]
    for settings in (TransportSettings(), BEHIND, RFC_7239, HOST):
        exchange = await seen(settings, *headers, peer="203.0.113.9")
        assert (exchange.client, exchange.secure) == ("203.0.113.9", False)
        assert exchange.host == "localhost"
        assert exchange.scope["scheme"] == "http"


async def test_unknown_peers_are_no_proxies():
    exchange = await seen(BEHIND, ("x-forwarded-for", "127.0.0.1"), peer=None)
    assert exchange.client == "unknown"


async def test_headers_that_the_proxy_does_not_set_are_the_clients():
    mixed = [("forwarded", "for=127.0.0.1;proto=https"), ("x-forwarded-for", "198.51.100.7")]
    exchange = await seen(BEHIND, *mixed)
    assert (exchange.client, exchange.secure) == ("198.51.100.7", False)
    mixed = [("forwarded", "for=198.51.100.7;proto=https"), ("x-forwarded-for", "127.0.0.1")]
    exchange = await seen(RFC_7239, *mixed)
    assert (exchange.client, exchange.secure) == ("198.51.100.7", True)


async def test_a_proxy_that_says_nothing_changes_nothing():
    exchange = await seen(BEHIND)
    assert (exchange.client, exchange.secure) == ("10.0.0.1", False)
    assert exchange.scope["client"] == ("10.0.0.1", 50_000)


async def test_a_proxy_can_say_that_the_client_spoke_http():
    exchange = await seen(BEHIND, ("x-forwarded-proto", "http"), scheme="https")
    assert not exchange.secure
    assert exchange.scope["scheme"] == "http"


@pytest.mark.parametrize(("proto", "scheme"), [("https", "wss"), ("http", "ws")])
async def test_sockets_behind_a_proxy(proto, scheme):
    scope = websocket_scope(headers=[("x-forwarded-proto", proto)], client="10.0.0.1")
    exchange = Exchange(scope, receiver())
    TransportGuard(BEHIND).on_request(exchange)
    assert exchange.scope["scheme"] == scheme


async def test_the_forwarded_host_needs_a_setting_of_its_own():
    header = ("x-forwarded-host", "127.0.0.1:8443")
    assert (await seen(BEHIND, header)).host == "localhost"
    exchange = await seen(HOST, header)
    assert exchange.host == "127.0.0.1:8443"
    assert [value for name, value in exchange.scope["headers"] if name == b"host"] == [
        b"127.0.0.1:8443"
    ]
    assert (await seen(HOST)).host == "localhost"


async def test_the_forwarded_host_is_one_of_ours_too():
    with pytest.raises(MisdirectedRequestError):
        await seen(HOST, ("x-forwarded-host", "evil.example"))
