"""API keys, as hashes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Column, Double, ForeignKey, Index, Integer, String, Table, Text

from zenith.stores.sql.schema.metadata import BYTEWISE, metadata

api_keys: Final = Table(
    "zenith_api_keys",
    metadata,
    Column("id", BYTEWISE, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key_hash", String(64), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("scopes", JSON, nullable=False),
    # Whatever deletes an account, by whichever way, ends its keys.
    Column("owner_id", Text, ForeignKey("zenith_accounts.id", ondelete="CASCADE")),
    Column("rate_limit", Integer),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("replaced_by", Text),
    Column("last_used_at", Double),
    Column("last_used_address", Text, nullable=False),
    Column("thumbprint", String(43)),
    Column("tenant", String(128)),
    Index(None, "prefix", unique=True),
    Index(None, "owner_id", "created_at"),
    Index(None, "created_at", "id"),
)
