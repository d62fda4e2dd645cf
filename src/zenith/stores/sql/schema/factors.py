"""Second factors, devices that need none, and sign-ins that wait for one."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Table,
    Text,
    false,
)

from zenith.stores.sql.schema.metadata import metadata


def _account(*, primary_key: bool = False) -> Column[Any]:
    """Whose it is; it ends with the account."""
    owner = ForeignKey("zenith_accounts.id", ondelete="CASCADE")
    return Column("account_id", Text, owner, nullable=False, primary_key=primary_key)


pending_sign_ins: Final = Table(
    "zenith_pending_sign_ins",
    metadata,
    Column("digest", String(64), primary_key=True),
    _account(),
    Column("kind", String(16), nullable=False),
    Column("factors", JSON, nullable=False),
    Column("password_state", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)


totp: Final = Table(
    "zenith_totp",
    metadata,
    _account(primary_key=True),
    Column("secret", Text, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
)


recovery_codes: Final = Table(
    "zenith_recovery_codes",
    metadata,
    _account(primary_key=True),
    Column("digest", String(64), primary_key=True),
)


passkeys: Final = Table(
    "zenith_passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("credential_id", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", JSON, nullable=False),
    Column("name", Text, nullable=False),
    Column("aaguid", String(36), nullable=False),
    Column("backup_eligible", Boolean, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    Column("second_only", Boolean, nullable=False, server_default=false()),
    Index(None, "account_id"),
    Index(None, "credential_id", unique=True),
)


trusted_devices: Final = Table(
    "zenith_trusted_devices",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("digest", String(64), nullable=False),
    Column("password_state", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("last_used_at", Double, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index(None, "account_id"),
    Index(None, "digest", unique=True),
    Index(None, "expires_at"),
)


spent_challenges: Final = Table(
    "zenith_spent_challenges",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", Double, nullable=False),
    Index(None, "expires_at"),
)
