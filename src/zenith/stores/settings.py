"""Where state is kept, and how long to wait for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.kernel.records import dataclass

SQL_SCHEMES: Final = ("sqlite", "postgresql", "postgres", "postgresql+asyncpg", "sqlite+aiosqlite")
REDIS_SCHEMES: Final = (
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseSettings:
    """The database that holds what must survive: SQLite on one machine, PostgreSQL for more."""

    url: Secret
    """`sqlite:///relative/path`, `sqlite:////absolute/path` or
    `postgresql://user:password@host:5432/name?sslmode=verify-full&sslrootcert=/path`. PostgreSQL
    URLs take libpq's parameters; TLS with a checked certificate is `sslmode=verify-full`."""
    pool_size: int = 5
    """Connections kept open by each process."""
    pool_overflow: int = 10
    """Connections opened beyond those under load, and closed again."""
    pool_timeout: float = 5.0
    """Seconds to wait for a free connection."""
    connect_timeout: float = 5.0
    """Seconds to wait for a new connection."""
    statement_timeout: float = 10.0
    """Seconds that one statement may take on PostgreSQL; on SQLite, seconds to wait for the lock
    that another process holds."""
    rest: float = 20.0
    """Seconds after which a resting PostgreSQL connection is tried before it is used again."""
    application_name: str = "zenith"
    """How the connections are named in PostgreSQL's own lists."""

    def __post_init__(self) -> None:
        _check_url(self.url, setting="database.url", schemes=SQL_SCHEMES)
        _check_positive(
            database_pool_size=self.pool_size,
            database_pool_timeout=self.pool_timeout,
            database_connect_timeout=self.connect_timeout,
            database_statement_timeout=self.statement_timeout,
            database_rest=self.rest,
        )
        if self.pool_overflow < 0:
            raise ConfigurationError(
                "database.pool_overflow is negative", fix="set it to 0 for no overflow"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisSettings:
    """The Redis or Valkey that holds what must be fast and shared, and may be lost."""

    url: Secret
    """`redis://`, `rediss://` (TLS), `redis+sentinel://host:port,host:port/service/db`,
    `redis+cluster://host:port,host:port`; `rediss+...` for both of these with TLS. User and
    password as `user:password@`."""
    ca_file: Path | None = None
    """Authority that signed the servers' certificates; None for the system's."""
    certificate_file: Path | None = None
    """Own certificate for servers that ask for one; needs `key_file`."""
    key_file: Path | None = None
    """Private key of `certificate_file`."""
    sentinel_password: Secret | None = None
    """Password of the Sentinels themselves, where they have one."""
    connect_timeout: float = 2.0
    """Seconds to wait for a new connection."""
    command_timeout: float = 2.0
    """Seconds to wait for an answer."""
    max_connections: int = 50
    """Bound of each process's pool (per node in a cluster)."""
    retries: int = 2
    """How often a command whose connection failed is tried again, with a growing pause."""
    health_check_interval: float = 15.0
    """Seconds after which a resting connection is tried before it is used again."""

    def __post_init__(self) -> None:
        _check_url(self.url, setting="redis.url", schemes=REDIS_SCHEMES)
        _check_positive(
            redis_connect_timeout=self.connect_timeout,
            redis_command_timeout=self.command_timeout,
            redis_max_connections=self.max_connections,
            redis_health_check_interval=self.health_check_interval,
        )
        if self.retries < 0:
            raise ConfigurationError("redis.retries is negative", fix="set it to 0 for none")
        if (self.certificate_file is None) is not (self.key_file is None):
            raise ConfigurationError(
                "redis.certificate_file and redis.key_file belong together", fix="set both"
            )
        if self.ca_file is not None and not self.uses_tls:
            raise ConfigurationError(
                "redis.ca_file is set but the URL asks for no TLS", fix="write rediss:// in the URL"
            )

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.url.reveal().startswith("rediss")


def _check_url(url: Secret, *, setting: str, schemes: tuple[str, ...]) -> None:
    if not isinstance(url, Secret):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{setting} is not a Secret", fix="pass Secret('...')")
    try:
        scheme = urlsplit(url.reveal()).scheme
    except ValueError as error:
        raise ConfigurationError(f"{setting} is not a URL", fix="see its documentation") from error
    if scheme not in schemes:
        shown = ", ".join(f"{name}://" for name in schemes[:2])
        raise ConfigurationError(
            f"{setting} begins with {scheme or 'no scheme'!r}",
            fix=f"begin it with {shown} or alike",
        )


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ConfigurationError(
                f"{name.replace('_', '.', 1)} is not positive", fix="set it above 0"
            )
