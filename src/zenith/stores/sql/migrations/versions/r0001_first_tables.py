"""The first tables: accounts, one-time secrets, sessions, revocations, refresh, audit."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Apply the change."""
    _accounts()
    _account_roles()
    _one_time()
    _sessions()
    _revocations()
    _refresh_families()
    _audit_events()
    _audit_indexes()


def _accounts() -> None:
    op.create_table(
        "zenith_accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column(
            "email_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("locked_at", sa.Double, nullable=True),
        sa.Column("email_verified_at", sa.Double, nullable=True),
        sa.Column("password_changed_at", sa.Double, nullable=True),
        sa.Column("last_sign_in_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_accounts")),
    )
    op.create_index(
        op.f("ix_zenith_accounts_email_key"), "zenith_accounts", ["email_key"], unique=True
    )


def _account_roles() -> None:
    op.create_table(
        "zenith_account_roles",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_account_roles_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "role", name=op.f("pk_zenith_account_roles")),
    )
    op.create_index(
        op.f("ix_zenith_account_roles_role"), "zenith_account_roles", ["role"], unique=False
    )


def _one_time() -> None:
    op.create_table(
        "zenith_one_time",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_zenith_one_time")),
    )
    op.create_index(
        op.f("ix_zenith_one_time_expires_at"), "zenith_one_time", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_zenith_one_time_purpose_subject"),
        "zenith_one_time",
        ["purpose", "subject"],
        unique=True,
    )


def _sessions() -> None:
    op.create_table(
        "zenith_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_seen_at", sa.Double, nullable=False),
        sa.Column("idle_expires_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("factors", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_sessions")),
    )
    op.create_index(
        op.f("ix_zenith_sessions_account_id"), "zenith_sessions", ["account_id"], unique=False
    )
    op.create_index(op.f("ix_zenith_sessions_digest"), "zenith_sessions", ["digest"], unique=True)
    op.create_index(
        op.f("ix_zenith_sessions_idle_expires_at"),
        "zenith_sessions",
        ["idle_expires_at"],
        unique=False,
    )


def _revocations() -> None:
    op.create_table(
        "zenith_revocations",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_zenith_revocations")),
    )
    op.create_index(op.f("ix_zenith_revocations_at"), "zenith_revocations", ["at"], unique=False)
    op.create_index(
        op.f("ix_zenith_revocations_until"), "zenith_revocations", ["until"], unique=False
    )


def _refresh_families() -> None:
    op.create_table(
        "zenith_refresh_families",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.String(length=64), nullable=False),
        sa.Column("current", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("rotated_at", sa.Double, nullable=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("revoked_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_refresh_families")),
    )
    op.create_index(
        op.f("ix_zenith_refresh_families_account_id"),
        "zenith_refresh_families",
        ["account_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_refresh_families_expires_at"),
        "zenith_refresh_families",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_refresh_families_handle"),
        "zenith_refresh_families",
        ["handle"],
        unique=True,
    )


def _audit_events() -> None:
    op.create_table(
        "zenith_audit_events",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_zenith_audit_events")),
        sqlite_autoincrement=True,
    )


def _audit_indexes() -> None:
    op.create_index(
        op.f("ix_zenith_audit_events_subject_sequence"),
        "zenith_audit_events",
        ["subject", "sequence"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_audit_events_target_sequence"),
        "zenith_audit_events",
        ["target", "sequence"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_audit_events_type_sequence"),
        "zenith_audit_events",
        ["type", "sequence"],
        unique=False,
    )
