"""Attack: a provider, or whoever answers in its place, that lies, hangs, drips or floods: the
visitor reads a page with a clear status, the server keeps its memory and its time."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.oauth.fake import ISSUER, KEY
from tests.oauth.flow import Journey
from zenith.oauth import ProviderError
from zenith.oauth.http_client import MAX_BYTES
from zenith.tokens import KeyRing

JSON = {"content-type": "application/json"}
PATHS = ["/.well-known/openid-configuration", "/jwks", "/token"]


class Drip(httpx.AsyncByteStream):
    """Never ends, and is never silent for long."""

    async def __aiter__(self):
        while True:
            yield b" "
            await asyncio.sleep(0.001)


class Flood(httpx.AsyncByteStream):
    """Never ends."""

    def __init__(self):
        self.sent = 0

    async def __aiter__(self):
        while True:
            self.sent += 65536
            yield b" " * 65536


async def refused(journey, reason=""):
    with pytest.raises(ProviderError) as caught:
        await journey.travel()
    assert caught.value.status == 502
    assert reason in caught.value.reason


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>down</html>", headers={"content-type": "text/html"}),
        httpx.Response(200, content=b"", headers=JSON),
        httpx.Response(200, content=b"nonsense", headers=JSON),
        httpx.Response(200, content=b"\xff\xfe\x00", headers=JSON),
        httpx.Response(200, content=b"null", headers=JSON),
        httpx.Response(200, content=b"[1, 2]", headers=JSON),
        httpx.Response(200, content=b'"text"', headers=JSON),
        httpx.Response(200, content=b"{}", headers=JSON),
        httpx.Response(200, content=b'{"a": 1, "a": 2}', headers=JSON),
        httpx.Response(200, content=b"[" * 100_000, headers=JSON),
        httpx.Response(200, content=b'{"a":' * 100_000, headers=JSON),
        httpx.Response(200, content=b'{"a": 1e999}', headers=JSON),
        httpx.Response(302, headers={"location": "https://evil.example.org/"}),
        httpx.Response(204),
        httpx.Response(404, json={}),
        httpx.Response(500, json={"issuer": ISSUER}),
    ],
)
async def test_garbage(path, answer):
    journey = Journey()
    journey.provider.answers[path] = answer
    await refused(journey)


async def test_no_redirect_is_followed():
    journey = Journey()
    for path in PATHS:
        journey.provider.answers = {
            path: httpx.Response(307, headers={"location": "https://evil.example.org/"})
        }
        await refused(journey)
        journey.world.pass_time(60)
    assert {each.url.host for each in journey.provider.requests} == {"id.example.org"}


@pytest.mark.parametrize("path", PATHS)
async def test_silence(path):
    journey = Journey(timeout=0.02)

    async def hang(request):
        await asyncio.Event().wait()

    journey.provider.answers[path] = hang
    await refused(journey, "in time")


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_drips(path):
    journey = Journey(timeout=0.05)
    journey.provider.answers[path] = lambda _: httpx.Response(200, headers=JSON, stream=Drip())
    await refused(journey, "in time")


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_without_end(path):
    journey, flood = Journey(), Flood()
    journey.provider.answers[path] = lambda _: httpx.Response(200, headers=JSON, stream=flood)
    await refused(journey, "too much")
    assert flood.sent <= MAX_BYTES + 2 * 65536


async def test_a_small_body_that_unpacks_to_a_large_one():
    import gzip

    journey = Journey()
    bomb = gzip.compress(b" " * 5_000_000)
    journey.provider.answers["/token"] = lambda _: httpx.Response(
        200, headers={**JSON, "content-encoding": "gzip"}, content=bomb
    )
    await refused(journey, "coding")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("nonsense"),
        httpx.DecodingError("nonsense"),
        OSError("no route"),
    ],
)
async def test_a_connection_that_breaks(error):
    journey = Journey()

    def fail(request):
        raise error

    journey.provider.answers["/token"] = fail
    await refused(journey, type(error).__name__)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example.org"},
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"token_endpoint": "http://id.example.org/token"},
        {"token_endpoint": "http://localhost/token"},
        {"token_endpoint": "https://user@evil.example.org/token"},
        {"token_endpoint": "//evil.example.org"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://"},
        {"token_endpoint": "https://[broken/"},
        {"token_endpoint": "https://id.example.org:0/"},
        {"token_endpoint": "https://id.example.org\\@evil.example.org/"},
        {"token_endpoint": ["https://id.example.org/token"]},
        {"token_endpoint": None},
        {"jwks_uri": None},
        {"jwks_uri": "javascript:alert(1)"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example.org/#fragment"},
        {"authorization_endpoint": "https://id.example.org/\nSet-Cookie: x"},
        {"userinfo_endpoint": 7},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": "S256"},
    ],
)
async def test_a_discovery_document_that_cannot_be_believed(metadata):
    journey = Journey()
    journey.provider.metadata = metadata
    await refused(journey, "discovery")


@pytest.mark.parametrize(
    "tokens",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "x" * 9000},
        {"access_token": "a\r\nX-Evil: 1"},
        {"token_type": None},
        {"token_type": "mac"},
        {"token_type": ["bearer"]},
        {"error": "slow_down"},
        {"error": {"a": "b"}},
    ],
)
async def test_a_token_answer_that_cannot_be_used(tokens):
    journey = Journey()
    journey.provider.tokens = tokens
    await refused(journey, "token endpoint")


@pytest.mark.parametrize(
    "keys",
    [
        {"keys": "none"},
        {"keys": [{}]},
        {"keys": [{"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}]},
        {"keys": KeyRing([KEY]).to_jwks()["keys"] * 2},
    ],
)
async def test_keys_that_cannot_be_used(keys):
    journey = Journey()
    journey.provider.answers["/jwks"] = httpx.Response(200, json=keys)
    await refused(journey)


async def test_a_provider_that_is_down_is_not_asked_by_everybody():
    journey = Journey()
    path = "/.well-known/openid-configuration"
    journey.provider.answers[path] = httpx.Response(503)
    results = await asyncio.gather(*(journey.leave() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(each, ProviderError) for each in results)
    assert len(journey.provider.requests) == 1
    journey.provider.answers = {}
    journey.world.pass_time(4)
    assert await journey.leave()
