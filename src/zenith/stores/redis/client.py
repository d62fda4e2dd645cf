"""A client for one Redis or Valkey, for a Sentinel's master, or for a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.stores.redis.address import parse_address
from zenith.stores.settings import RedisSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

RedisClient: TypeAlias = "Redis | RedisCluster"


def connect_redis(settings: RedisSettings) -> RedisClient:
    """A client with bounded pools, bounded waits and retries; nothing is opened before the first
    command, and a server that went away and came back is used again.

    Close it with `aclose()`. Certificates and host names are always checked under TLS (ASVS
    12.3.2), and TLS 1.2 is the least. Raises ConfigurationError for a URL that cannot be read, and
    if the driver is not installed.
    """
    address = parse_address(settings.url)
    try:
        # Optional, and slow to import: only who uses Redis pays for it.
        from zenith.stores.redis import topologies  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "redis.url asks for Redis, but its driver is not installed",
            fix="pip install 'zenith-security[redis]'",
        ) from error
    match address.topology:
        case "cluster":
            return topologies.cluster(settings, address)
        case "sentinel":
            return topologies.sentinel(settings, address)
        case "single":
            return topologies.single(settings, address)
