"""What a Redis URL says."""

from __future__ import annotations

from dataclasses import field
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass

Topology: TypeAlias = Literal["single", "sentinel", "cluster"]
DEFAULT_PORTS: Final[dict[Topology, int]] = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_FORM: Final = (
    "write redis://host:port/db, redis+sentinel://host:port,host:port/service/db or "
    "redis+cluster://host:port,host:port (rediss for TLS); anything else is a setting of its own"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisAddress:
    """Hosts and credentials, apart from each other."""

    topology: Topology
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    service: str = ""
    """Sentinel's name of the master."""
    database: int = 0
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)


def parse_address(url: Secret) -> RedisAddress:
    """Take the URL apart. Raises ConfigurationError, which never quotes the password."""
    parts = urlsplit(url.reveal())
    scheme, _, kind = parts.scheme.partition("+")
    if parts.query or parts.fragment:
        # ?ssl_cert_reqs=none would turn off what TLS is for, without anybody noticing.
        raise ConfigurationError("redis.url has parameters after a '?'", fix=_FORM)
    topology: Topology = "single"
    if kind == "sentinel":
        topology = "sentinel"
    elif kind == "cluster":
        topology = "cluster"
    user_info, _, host_list = parts.netloc.rpartition("@")
    username, _, password = user_info.partition(":")
    hosts = tuple(_host(part, DEFAULT_PORTS[topology]) for part in host_list.split(","))
    if topology == "single" and len(hosts) != 1:
        raise ConfigurationError("redis.url names several hosts", fix=_FORM)
    path = [unquote(part) for part in parts.path.split("/")[1:] if part]
    service = ""
    if topology == "sentinel":
        if not path:
            raise ConfigurationError("redis.url names no Sentinel service", fix=_FORM)
        service = path.pop(0)
    if len(path) > 1 or (path and not path[0].isdecimal()):
        raise ConfigurationError("redis.url has a path that says nothing", fix=_FORM)
    if topology == "cluster" and path not in ([], ["0"]):
        raise ConfigurationError("redis.url names a database; a cluster has one only", fix=_FORM)
    return RedisAddress(
        topology=topology,
        tls=scheme == "rediss",
        hosts=hosts,
        service=service,
        database=int(path[0]) if path else 0,
        username=unquote(username) or None,
        password=Secret(unquote(password)) if password else None,
    )


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ConfigurationError("redis.url has a host or port that cannot be read", fix=_FORM)
    return host, port or default_port
