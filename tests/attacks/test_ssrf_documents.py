"""Attack: an issuer or a provider, or who answers in its place, publishes a document whose URLs
lead to where only the server itself can go, and lets the server fetch its "keys" there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from zenith.kernel.errors import ServiceUnavailableError
from zenith.oauth.errors import ProviderError
from zenith.oauth.http_client import ProviderHttp
from zenith.outbound import OutboundSettings
from zenith.tokens.key_source import fetch_with


class Inside:
    """A service on loopback that counts who comes."""

    def __init__(self) -> None:
        self.port = 0
        self.visits = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        body = json.dumps({"keys": []}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        writer.write(head.encode() + b"\r\nConnection: close\r\n\r\n" + body)
        writer.close()


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    found = Inside()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


ELSEWHERE = (
    "https://127.0.0.1:{port}/keys",
    "http://127.0.0.1:{port}/keys",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://localhost:{port}/",
    "https://xn--a.example.org:{port}/",
)


@pytest.mark.parametrize("address", ELSEWHERE)
async def test_an_issuers_document_does_not_lead_inside(inside: Inside, address: str) -> None:
    fetch = fetch_with(2.0, known=["https://issuer.example.org"])
    with pytest.raises(ServiceUnavailableError):
        await fetch(address.format(port=inside.port))
    assert inside.visits == 0


@pytest.mark.parametrize("address", ELSEWHERE)
async def test_a_providers_document_does_not_lead_inside(inside: Inside, address: str) -> None:
    outbound = OutboundSettings().knowing("https://provider.example.org")
    http = ProviderHttp(timeout=2.0, outbound=outbound)
    with pytest.raises(ProviderError):
        await http.get(address.format(port=inside.port), bearer="violet")
    assert inside.visits == 0


async def test_what_the_operator_has_set_is_called(inside: Inside) -> None:
    url = f"http://127.0.0.1:{inside.port}/keys"
    assert json.loads(await fetch_with(2.0, known=[url])(url)) == {"keys": []}
    http = ProviderHttp(timeout=2.0, outbound=OutboundSettings().knowing(url))
    assert await http.get(url) == {"keys": []}
    assert inside.visits == 2
