"""Applications behind the rate limits, and who calls them."""

from __future__ import annotations

import httpx

from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange, Guard, SecurityMiddleware, Stage
from zenith.rate_limits import (
    PrincipalRateLimitGuard,
    RateLimiter,
    RateLimitGuard,
    RateLimitSettings,
)
from zenith.stores.memory import MemoryRateLimitStore


class Callers(Guard):
    """Believes a header, as no application should."""

    stage = Stage.AUTHENTICATION

    async def on_request(self, exchange: Exchange) -> None:
        subject = exchange.header(b"x-subject")
        if subject:
            tenant = exchange.header(b"x-tenant") or None
            exchange.principal = Principal(subject=subject, tenant=tenant)


class Proxy(Guard):
    """The client that a trusted proxy would name."""

    stage = Stage.TRANSPORT

    async def on_request(self, exchange: Exchange) -> None:
        exchange.client = exchange.header(b"x-client") or exchange.client


class CountingStore(MemoryRateLimitStore):
    def __init__(self):
        super().__init__(clock=lambda: 0.0)
        self.calls = []

    async def hit(self, hits):
        self.calls.append(list(hits))
        return await super().hit(hits)

    def hit_one(self, hit):
        self.calls.append([hit])
        return super().hit_one(hit)


def secured(app, settings=None, *, principals=True, **options):
    settings = settings or RateLimitSettings()
    store = CountingStore()
    limiter = RateLimiter(store)
    guards = [Proxy(), RateLimitGuard(limiter, settings), Callers()]
    if principals:
        guards.append(PrincipalRateLimitGuard(limiter, settings))
    wrapped = SecurityMiddleware(app, guards=guards, **options)
    wrapped.store = store
    return wrapped


def caller(app, **headers):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://example.org", headers=headers)


async def statuses(app, path, count, *, method="GET", **headers):
    async with caller(app, **headers) as client:
        return [(await client.request(method, path)).status_code for _ in range(count)]
