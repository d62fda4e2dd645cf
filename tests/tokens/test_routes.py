"""The JWKS route publishes public keys only."""

from __future__ import annotations

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from tests.tokens.fakes import SECRET
from zenith.authorization import Access
from zenith.pipeline import SecurityMiddleware, marks_of
from zenith.tokens import KeyRing, generate_key, jwks_router


async def fetch(ring: KeyRing) -> tuple[dict[str, list[dict[str, str]]], dict[str, str]]:
    app = FastAPI()
    app.include_router(jwks_router(ring))
    async with AsyncClient(
        transport=ASGITransport(SecurityMiddleware(app, guards=[])), base_url="https://x.example"
    ) as client:
        answer = await client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    return answer.json(), dict(answer.headers)


async def test_public_keys_are_published_and_rotations_are_seen() -> None:
    ring = KeyRing.ed25519_from_secret(SECRET)
    document, headers = await fetch(ring)
    assert document == ring.to_jwks()
    assert headers["content-type"] == "application/jwk-set+json"
    assert headers["cache-control"] == "public, max-age=300"
    ring.rotate(generate_key("EdDSA", kid="next"), at=9e9, overlap=900.0)
    document, _ = await fetch(ring)
    assert [jwk["kid"] for jwk in document["keys"]][-1] == "next"


async def test_symmetric_rings_publish_nothing() -> None:
    assert (await fetch(KeyRing.from_secret(SECRET)))[0] == {"keys": []}


def test_the_route_is_declared_public() -> None:
    (route,) = jwks_router(KeyRing.from_secret(SECRET)).routes
    marks = marks_of(route.endpoint)  # type: ignore[attr-defined]
    assert any(isinstance(mark, Access) for mark in marks)
