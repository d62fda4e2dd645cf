"""What must be fast and shared, and may be lost: Redis or Valkey, single, Sentinel or Cluster."""

from __future__ import annotations

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
