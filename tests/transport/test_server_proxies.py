from __future__ import annotations

import logging

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tests.pipeline.asgi import ask, make_scope
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import SecurityMiddleware
from zenith.transport import TransportGuard, TransportSettings

FORGED = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https")]


async def who(scope, receive, send):
    """Says whom it takes for the client."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    body = f"{scope['client'][0]} {scope['scheme']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def behind_uvicorn(trusted, *proxies, **settings):
    guard = TransportGuard(TransportSettings(trusted_proxies=proxies, **settings))
    return ProxyHeadersMiddleware(SecurityMiddleware(who, guards=[guard]), trusted)


async def start(app):
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return messages.pop(0)

    async def send(message):
        if message["type"].endswith("failed"):
            raise ConfigurationError(message["message"], fix="")

    await app({"type": "lifespan"}, receive, send)


async def told(app, peer, *headers):
    return (await ask(app, make_scope(headers=headers or FORGED, client=peer))).body.decode()


async def test_the_server_believes_nobody_once_the_application_has_started(caplog):
    app = behind_uvicorn("127.0.0.1,::1")
    assert await told(ProxyHeadersMiddleware(who, "127.0.0.1"), "127.0.0.1") == "6.6.6.6 https"
    with caplog.at_level(logging.INFO):
        await start(app)
    assert await told(app, "127.0.0.1") == "127.0.0.1 http"
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "its own machine" in caplog.text


@pytest.mark.parametrize(
    ("trusted", "named"),
    [
        ("*", "everybody"),
        ("127.0.0.1,192.0.2.1", "192.0.2.1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("unix:", "unix:"),
    ],
)
async def test_networks_that_were_named_to_the_server_refuse_the_start(trusted, named, caplog):
    with pytest.raises(ConfigurationError, match="is told to believe") as refused:
        await start(behind_uvicorn(trusted))
    assert named in str(refused.value)
    app = behind_uvicorn(trusted, "10.0.0.0/8")
    await start(app)
    assert f"it did from {named}" in caplog.text
    assert await told(app, "192.0.2.1") == "192.0.2.1 http"
    assert await told(app, "10.0.0.1") == "6.6.6.6 https"


async def test_a_proxy_that_writes_forwarded_passes_no_other_header_through_the_server():
    app = behind_uvicorn("127.0.0.1", "127.0.0.1", proxy_headers="forwarded")
    await start(app)
    headers = [*FORGED, ("forwarded", "for=198.51.100.7;proto=http")]
    assert await told(app, "127.0.0.1", *headers) == "198.51.100.7 http"


async def test_every_layer_forgets_and_a_second_start_finds_nothing(caplog):
    app = ProxyHeadersMiddleware(behind_uvicorn("127.0.0.1"), "127.0.0.1")
    with caplog.at_level(logging.INFO):
        await start(app)
        await start(app)
    assert len(caplog.records) == 2
    assert await told(app, "127.0.0.1") == "127.0.0.1 http"


async def test_another_server_is_left_alone(caplog):
    with caplog.at_level(logging.INFO):
        await start(SecurityMiddleware(who, guards=[TransportGuard()]))
    assert not caplog.records


async def test_a_server_that_keeps_it_otherwise_is_left_alone():
    class Other(ProxyHeadersMiddleware):
        async def __call__(self, scope, receive, send):
            del self.trusted_hosts
            await super().__call__(scope, receive, send)

    await start(Other(SecurityMiddleware(who, guards=[TransportGuard()])))
