"""One-time links by mail."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, ForeignKey, Index, String, Table, Text

from zenith.stores.sql.schema.metadata import metadata

mail_links: Final = Table(
    "zenith_mail_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column(
        "account_id", Text, ForeignKey("zenith_accounts.id", ondelete="CASCADE"), nullable=False
    ),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("password_changed_at", Double),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index(None, "account_id", "purpose"),
    Index(None, "expires_at"),
)
