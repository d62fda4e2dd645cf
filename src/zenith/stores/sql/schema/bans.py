"""Temporary bans."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Double, Index, Integer, String, Table, Text

from zenith.stores.sql.schema.metadata import metadata

bans: Final = Table(
    "zenith_bans",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    # Null: until it is lifted.
    Column("until", Double),
    Column("automatic", Boolean, nullable=False),
    Column("offences", Integer, nullable=False),
    # Every process asks for what has changed; pruning for what has ended.
    Index(None, "updated_at"),
    Index(None, "until"),
)
