"""Accounts, their roles, secrets that may be used once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    Double,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Table,
    Text,
)

from zenith.stores.sql.schema.metadata import BYTEWISE, metadata

accounts: Final = Table(
    "zenith_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", BYTEWISE, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("permissions", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("locked_at", Double),
    Column("email_verified_at", Double),
    Column("password_changed_at", Double),
    Column("last_sign_in_at", Double),
    # Columns that the application adds to its accounts.
    Column("profile", JSON),
    Index(None, "email_key", unique=True),
)


account_roles: Final = Table(
    "zenith_account_roles",
    metadata,
    Column(
        "account_id",
        Text,
        ForeignKey("zenith_accounts.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("role", Text, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("granted_by", Text),
    Column("granted_at", Double),
    Index(None, "role"),
)


one_time: Final = Table(
    "zenith_one_time",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index(None, "purpose", "subject", unique=True),
    Index(None, "expires_at"),
)
