"""Rate limits: on a route, and by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from zenith import public, rate_limit
from zenith.rate_limits import RateLimiter
from zenith.stores.memory import MemoryRateLimitStore
from zenith.stores.redis import RedisClient, RedisRateLimitStore

router = APIRouter()


@router.get("/api/search")
@public
@rate_limit(requests=10, window=60)
async def search(query: Annotated[str, Field(max_length=100)]) -> dict[str, list[str]]:
    """Ten a minute for each address, in every process together where there is Redis."""
    return {"results": [word for word in ("alpha", "beta") if query.lower() in word]}


def memory_limiter() -> RateLimiter:
    """`is_allowed` and `check_rate_limit` in one process, with bounded memory."""
    return RateLimiter(MemoryRateLimitStore())


def redis_limiter(client: RedisClient, *, timeout: float = 0.25) -> RateLimiter:
    """The same for all processes that share a Redis, asked for `timeout` seconds at most."""
    return RateLimiter(RedisRateLimitStore(client, timeout=timeout))
