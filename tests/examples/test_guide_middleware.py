"""`@app.middleware("http")`, as the guides use it."""

from __future__ import annotations

import httpx
import pytest

from examples.guide.app import create_app
from tests.examples.conftest import ORIGIN
from zenith import HTTPException, RateLimitError


async def test_a_middleware_of_the_application_runs(guide):
    """The guides write their protections as such middlewares, in an order that nothing checks; the
    framework's own 500 page escapes them all. Ours are guards; these are for everything else."""
    answer = await guide.client.get("/")
    missing = await guide.client.get("/no-such-page")
    assert answer.headers["x-api-version"] == "1"
    assert missing.status_code == 404
    assert missing.headers["x-frame-options"] == "DENY"


async def test_a_refusal_in_a_middleware_is_a_refusal(guide):
    """The second guide raises from its middleware, beyond the reach of the framework's handlers."""
    guide.app.state.closed = True
    answer = await guide.client.get("/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "600"
    assert answer.json()["detail"] == "Closed for maintenance"
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (HTTPException(429, "Rate limit exceeded"), "Rate limit exceeded"),
        (RateLimitError("Slow down", retry_after=3), "Slow down"),
    ],
)
async def test_a_raised_429_is_a_429(guide_environment, error, detail):
    """HTTPException raised in a middleware is a 500 in a plain application."""
    app = create_app()

    @app.middleware("http")
    async def refuse(request, call_next):
        raise error

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.get("/")
    await app.middleware_stack.stop()
    assert answer.status_code == 429
    assert answer.json()["detail"] == detail
    assert "content-security-policy" in answer.headers


async def test_what_nobody_foresaw_stays_a_500(guide_environment):
    """And tells nothing."""
    app = create_app()

    @app.middleware("http")
    async def break_down(request, call_next):
        raise LookupError("secret text")

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.get("/")
    await app.middleware_stack.stop()
    assert answer.status_code == 500
    assert "secret text" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
