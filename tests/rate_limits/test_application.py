"""Quotas and limits of what is in flight in a whole application: counted in its database."""

from __future__ import annotations

import httpx
from fastapi import Request

from zenith import Settings, Zenith, public
from zenith.passwords import PasswordSettings
from zenith.rate_limits import (
    ConcurrencyLimiter,
    Quota,
    RateLimitSettings,
    concurrency_limit,
)


def application(home):
    settings = Settings(
        home=home,
        passwords=PasswordSettings(profile="testing"),
        rate_limits=RateLimitSettings(concurrent=1),
    )
    app = Zenith(settings=settings)
    calls = Quota("3/month", per="address", name="calls")

    @app.get("/")
    @public
    @calls
    @concurrency_limit(2, per="address")
    async def answer():
        return {}

    @app.get("/usage")
    @public
    async def usage(request: Request):
        found = await calls.usage(request)
        return {} if found is None else {"left": found.remaining}

    @app.get("/full")
    @public
    async def full(request: Request):
        limiter = request.scope["zenith.exchange"].service(ConcurrencyLimiter)
        async with limiter.hold("all", "", at_most=2):
            return {}

    return app


async def test_a_quota_outlasts_the_application(tmp_path):
    seen = []
    for _ in range(2):
        app = application(tmp_path)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:8000"
        ) as client:
            seen += [(await client.get("/")).status_code for _ in range(2)]
            left = (await client.get("/usage")).json()
            assert (await client.get("/full")).status_code == 200
        await app.middleware_stack.stop()
    assert seen == [200, 200, 200, 429]
    assert left == {"left": 0}
