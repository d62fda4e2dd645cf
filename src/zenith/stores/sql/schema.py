"""The tables. Portable between SQLite and PostgreSQL; times are Unix times in seconds."""

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
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Keys sort by their bytes on every database, whatever the locale of the server, so that a page
# starts where the last one ended.
_BYTEWISE: Final = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite counts rows only in a column that is exactly INTEGER.
_COUNTER: Final = BigInteger().with_variant(Integer(), "sqlite")

accounts: Final = Table(
    "zenith_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", _BYTEWISE, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("permissions", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("locked_at", Double),
    Column("email_verified_at", Double),
    Column("password_changed_at", Double),
    Column("last_sign_in_at", Double),
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

sessions: Final = Table(
    "zenith_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("digest", String(64)),
    Column("created_at", Double, nullable=False),
    Column("last_seen_at", Double, nullable=False),
    Column("idle_expires_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("factors", JSON, nullable=False),
    Index(None, "digest", unique=True),
    Index(None, "account_id"),
    Index(None, "idle_expires_at"),
)

revocations: Final = Table(
    "zenith_revocations",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("until", Double, nullable=False),
    Index(None, "at"),
    Index(None, "until"),
)

refresh_families: Final = Table(
    "zenith_refresh_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("handle", String(64), nullable=False),
    Column("current", String(64), nullable=False),
    Column("previous", String(64)),
    Column("rotated_at", Double),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("revoked_at", Double),
    Index(None, "handle", unique=True),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)

audit_events: Final = Table(
    "zenith_audit_events",
    metadata,
    Column("sequence", _COUNTER, primary_key=True, autoincrement=True),
    Column("type", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Column("subject", Text),
    Column("target", Text),
    Column("session_id", Text),
    Column("scheme", Text, nullable=False),
    Column("address", Text),
    Column("user_agent", Text),
    Column("request_id", Text),
    Column("reason", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Index(None, "type", "sequence"),
    Index(None, "subject", "sequence"),
    Index(None, "target", "sequence"),
    # A number that was used is never given again, even if the newest rows are removed.
    sqlite_autoincrement=True,
)
