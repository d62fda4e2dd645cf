"""The driver's three kinds of client. Imported only when one is asked for."""

from __future__ import annotations

import ssl
from typing import Any, Final, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialWithJitterBackoff
from redis.maint_notifications import MaintNotificationsConfig

from zenith.stores.redis.address import RedisAddress
from zenith.stores.settings import RedisSettings

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.5


def single(settings: RedisSettings, address: RedisAddress) -> Redis:
    """One server."""
    host, port = address.hosts[0]
    return Redis(
        host=host,
        port=port,
        db=address.database,
        max_connections=settings.max_connections,
        **_options(settings, address),
    )


class SentinelRedis(Redis):
    """A Sentinel's master, and the Sentinels with it when it is closed."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections to the master and to the Sentinels."""
        await super().aclose(close_connection_pool)
        await cast("Any", self.connection_pool).sentinel_manager.aclose()


def sentinel(settings: RedisSettings, address: RedisAddress) -> Redis:
    """The master that Sentinels name, whichever it is."""
    common = _options(settings, address)
    own = {name: value for name, value in common.items() if name not in ("username", "password")}
    if settings.sentinel_password is not None:
        own["password"] = settings.sentinel_password.reveal()
    manager = cast("Any", Sentinel)(list(address.hosts), sentinel_kwargs=own)
    client: Redis = manager.master_for(
        address.service,
        redis_class=SentinelRedis,
        db=address.database,
        max_connections=settings.max_connections,
        **common,
    )
    return client


def cluster(settings: RedisSettings, address: RedisAddress) -> RedisCluster:
    """All nodes of a cluster."""
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        max_connections=settings.max_connections,
        # A shard that is down must not take the others with it.
        require_full_coverage=False,
        **_options(settings, address),
    )


def _options(settings: RedisSettings, address: RedisAddress) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": address.username,
        "password": None if address.password is None else address.password.reveal(),
        "socket_connect_timeout": settings.connect_timeout,
        "socket_timeout": settings.command_timeout,
        "health_check_interval": settings.health_check_interval,
        "retry": Retry(
            ExponentialWithJitterBackoff(base=FIRST_PAUSE, cap=LONGEST_PAUSE), settings.retries
        ),
        "client_name": "zenith",
        # Asked for by default at each connect, answered by one vendor's servers only.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    if address.tls:
        options |= {
            "ssl": True,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
            "ssl_ca_certs": _path(settings.ca_file),
            "ssl_certfile": _path(settings.certificate_file),
            "ssl_keyfile": _path(settings.key_file),
        }
    return options


def _path(path: object | None) -> str | None:
    return None if path is None else str(path)
