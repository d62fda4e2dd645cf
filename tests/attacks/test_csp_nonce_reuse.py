"""Attack: a nonce that was seen once, in a cached page, in another's page or in the source code, is
put on an injected script."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from zenith.headers import ContentSecurityPolicy, SecurityHeadersMiddleware
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import exchange_of


async def page(scope, receive, send):
    nonce = exchange_of(scope).nonce
    await asyncio.sleep(0)
    body = f"{nonce} {exchange_of(scope).nonce}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("fixed", ["'nonce-c29tZXRoaW5n'", "'nonce-" + "A" * 22 + "'"])
def test_nonce_in_the_source_code_is_refused(fixed):
    with pytest.raises(ConfigurationError, match="same for everyone"):
        ContentSecurityPolicy(script_src=(fixed,))


async def test_each_response_has_its_own():
    transport = httpx.ASGITransport(app=SecurityHeadersMiddleware(page))
    async with httpx.AsyncClient(transport=transport, base_url="https://example.com") as http:
        responses = await asyncio.gather(*[http.get("/") for _ in range(50)])
    seen = set()
    for response in responses:
        first, second = response.text.split()
        assert first == second
        in_policy = set(re.findall(r"'nonce-([^']+)'", response.headers["content-security-policy"]))
        assert in_policy == {first}
        assert len(first) >= 22
        seen.add(first)
    assert len(seen) == len(responses)


async def test_page_with_a_nonce_is_not_cached():
    transport = httpx.ASGITransport(app=SecurityHeadersMiddleware(page))
    async with httpx.AsyncClient(transport=transport, base_url="https://example.com") as http:
        response = await http.get("/")
    assert response.headers["cache-control"] == "no-store"


async def test_revalidation_does_not_hand_out_a_policy_for_the_cached_page():
    async def unchanged(scope, receive, send):
        await send({"type": "http.response.start", "status": 304, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(app=SecurityHeadersMiddleware(unchanged))
    async with httpx.AsyncClient(transport=transport, base_url="https://example.com") as http:
        response = await http.get("/")
    assert "content-security-policy" not in response.headers
