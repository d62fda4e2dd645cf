"""Quotas."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, String, Table

from zenith.stores.sql.schema.metadata import metadata

quotas: Final = Table(
    "zenith_quotas",
    metadata,
    # A digest: whose quota, and which.
    Column("key", String(64), primary_key=True),
    # The part of time, by its begin.
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index(None, "expires_at"),
)
