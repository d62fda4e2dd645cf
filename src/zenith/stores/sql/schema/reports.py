"""What browsers reported."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from zenith.stores.sql.schema.metadata import COUNTER, metadata

reports: Final = Table(
    "zenith_reports",
    metadata,
    Column("key", String(64), primary_key=True),
    # Days since 1970-01-01, UTC.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("directive", String(64), nullable=False),
    Column("blocked", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("disposition", String(8), nullable=False),
    Column("count", COUNTER, nullable=False),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Index(None, "day"),
)
