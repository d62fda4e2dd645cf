"""What must be fast and shared, and may be lost: Redis or Valkey, single, Sentinel or Cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.stores.redis.client import RedisClient, connect_redis
    from zenith.stores.redis.rate_limits import RedisRateLimitStore
    from zenith.stores.redis.revocations import RedisRevocationChannel
    from zenith.stores.redis.slots import RedisSlotStore
    from zenith.stores.redis.token_proofs import RedisProofStore

__all__ = [
    "RedisClient",
    "RedisProofStore",
    "RedisRateLimitStore",
    "RedisRevocationChannel",
    "RedisSlotStore",
    "connect_redis",
]

# For who has one.
__getattr__ = loader(
    __name__,
    {
        "RedisClient": "client",
        "RedisProofStore": "token_proofs",
        "RedisRateLimitStore": "rate_limits",
        "RedisRevocationChannel": "revocations",
        "RedisSlotStore": "slots",
        "connect_redis": "client",
    },
)
