"""Where state is kept: what the settings refuse, and that they show no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.keys import Secret
from zenith.stores.settings import DatabaseSettings, RedisSettings


@pytest.mark.parametrize(
    "url",
    ["mysql://x", "", "zenith.db", "postgresql+psycopg://x/y", "http://[x", "sqlite3:///x"],
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"database\.url"):
        DatabaseSettings(url=Secret(url))


@pytest.mark.parametrize(
    "values",
    [
        {"pool_size": 0},
        {"pool_overflow": -1},
        {"pool_timeout": 0},
        {"connect_timeout": -1.0},
        {"statement_timeout": float("nan")},
        {"rest": 0},
    ],
)
def test_limits_of_the_database_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"database\."):
        DatabaseSettings(url=Secret("sqlite:///x"), **values)


@pytest.mark.parametrize(
    "values",
    [
        {"connect_timeout": 0},
        {"command_timeout": -1},
        {"max_connections": 0},
        {"health_check_interval": 0},
        {"retries": -1},
        {"certificate_file": Path("c")},
        {"key_file": Path("k")},
        {"ca_file": Path("ca")},
    ],
)
def test_limits_of_redis_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\."):
        RedisSettings(url=Secret("redis://localhost"), **values)


@pytest.mark.parametrize("url", ["valkey://x", "redis", "unix:///run/redis", "redis+tls://x"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"redis\.url"):
        RedisSettings(url=Secret(url))


def test_a_url_must_be_a_secret() -> None:
    with pytest.raises(ConfigurationError, match="Secret"):
        DatabaseSettings(url="sqlite:///x")  # type: ignore[arg-type]


def test_no_repr_shows_a_password() -> None:
    database = DatabaseSettings(url=Secret("postgresql://u:hunter2@h/d"))
    redis = RedisSettings(url=Secret("rediss://:hunter2@h"), sentinel_password=Secret("hunter2"))
    assert "hunter2" not in f"{database} {database!r} {redis} {redis!r}"
    assert redis.uses_tls
    assert not RedisSettings(url=Secret("redis://h")).uses_tls
