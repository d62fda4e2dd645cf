"""Identities at other providers, and who is on the way to one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, ForeignKey, Index, String, Table, Text

from zenith.stores.sql.schema.metadata import BYTEWISE, metadata

identities: Final = Table(
    "zenith_identities",
    metadata,
    Column("id", Text, primary_key=True),
    Column(
        "account_id",
        Text,
        ForeignKey("zenith_accounts.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("issuer", BYTEWISE, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double, nullable=False),
    Index(None, "issuer", "subject", unique=True),
    Index(None, "account_id"),
)

provider_sign_ins: Final = Table(
    "zenith_provider_sign_ins",
    metadata,
    Column("id", String(32), primary_key=True),
    Column(
        "account_id",
        Text,
        ForeignKey("zenith_accounts.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("provider", String(64), nullable=False),
    Column("issuer", BYTEWISE, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("provider_session", BYTEWISE, nullable=False),
    Column("proven_at", Double, nullable=False),
    Column("id_token", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index(None, "account_id", "proven_at"),
    Index(None, "issuer", "subject"),
    Index("ix_zenith_provider_sign_ins_session", "issuer", "provider_session"),
    Index(None, "expires_at"),
)

pending_authorizations: Final = Table(
    "zenith_pending_authorizations",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("browser", String(64), nullable=False),
    Column("provider", String(64), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("wanted", Text, nullable=False),
    Column("challenge", String(64), nullable=False),
    Column("account_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index(None, "expires_at"),
)
