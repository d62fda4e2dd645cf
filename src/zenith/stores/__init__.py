"""Where state is kept: process memory, SQL, Redis. Drivers are imported nowhere else."""

from __future__ import annotations

from zenith.stores.settings import DatabaseSettings, RedisSettings

__all__ = ["DatabaseSettings", "RedisSettings"]
