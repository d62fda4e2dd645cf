"""Keys that sign tokens, and proofs of possession that were seen."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from zenith.stores.sql.schema.metadata import metadata

token_keys: Final = Table(
    "zenith_token_keys",
    metadata,
    # Given by whoever plans the key: of two that plan the same one, the second is told.
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("kid", String(64), nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("signs_at", Double, nullable=False),
    Column("retired_at", Double),
    Index(None, "kid", unique=True),
)


token_proofs: Final = Table(
    "zenith_token_proofs",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", Double, nullable=False),
    Index(None, "expires_at"),
)
