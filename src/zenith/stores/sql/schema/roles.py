"""Roles that are edited at run time, and who holds them where and until when."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from zenith.stores.sql.schema.metadata import BYTEWISE, metadata

roles: Final = Table(
    "zenith_roles",
    metadata,
    Column("name", BYTEWISE, primary_key=True),
    Column("permissions", JSON, nullable=False),
    Column("inherits", JSON, nullable=False),
    Column("level", Integer),
    Column("description", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("changed_by", Text, nullable=False),
)

# One row once something was changed: every process asks for it every second.
role_versions: Final = Table(
    "zenith_role_versions",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# Those with a tenant or an end; what is held everywhere and for good is in `zenith_account_roles`,
# where the last administrator is counted.
role_assignments: Final = Table(
    "zenith_role_assignments",
    metadata,
    Column(
        "account_id",
        Text,
        ForeignKey("zenith_accounts.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("role", Text, primary_key=True),
    Column("tenant", BYTEWISE, primary_key=True),
    Column("expires_at", Double),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", Double, nullable=False),
    Index(None, "role"),
    Index(None, "expires_at"),
)
