"""Sign-ins: sessions, refresh families, what was revoked."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, Double, Index, String, Table, Text, false

from zenith.stores.sql.schema.metadata import metadata

sessions: Final = Table(
    "zenith_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("digest", String(64)),
    Column("created_at", Double, nullable=False),
    Column("last_seen_at", Double, nullable=False),
    Column("idle_expires_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("factors", JSON, nullable=False),
    Column("name", Text),
    Column("remembered", Boolean, nullable=False, server_default=false()),
    Index(None, "digest", unique=True),
    Index(None, "account_id"),
    Index(None, "idle_expires_at"),
)


revocations: Final = Table(
    "zenith_revocations",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("until", Double, nullable=False),
    Index(None, "at"),
    Index(None, "until"),
)


refresh_families: Final = Table(
    "zenith_refresh_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("handle", String(64), nullable=False),
    Column("current", String(64), nullable=False),
    Column("previous", String(64)),
    Column("rotated_at", Double),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("revoked_at", Double),
    Index(None, "handle", unique=True),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)
