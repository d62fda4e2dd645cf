"""Second factors."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """Apply the change."""
    _pending_sign_ins()
    _totp()
    _recovery_codes()
    _passkeys()
    _trusted_devices()
    _spent_challenges()


def _pending_sign_ins() -> None:
    op.create_table(
        "zenith_pending_sign_ins",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("factors", sa.JSON(), nullable=False),
        sa.Column("password_state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_pending_sign_ins_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_zenith_pending_sign_ins")),
    )
    op.create_index(
        op.f("ix_zenith_pending_sign_ins_account_id"),
        "zenith_pending_sign_ins",
        ["account_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_pending_sign_ins_expires_at"),
        "zenith_pending_sign_ins",
        ["expires_at"],
        unique=False,
    )


def _totp() -> None:
    op.create_table(
        "zenith_totp",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_totp_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_zenith_totp")),
    )


def _recovery_codes() -> None:
    op.create_table(
        "zenith_recovery_codes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_recovery_codes_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_zenith_recovery_codes")),
    )


def _passkeys() -> None:
    op.create_table(
        "zenith_passkeys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aaguid", sa.String(length=36), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_passkeys_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_passkeys")),
    )
    op.create_index(
        op.f("ix_zenith_passkeys_account_id"), "zenith_passkeys", ["account_id"], unique=False
    )
    op.create_index(
        op.f("ix_zenith_passkeys_credential_id"), "zenith_passkeys", ["credential_id"], unique=True
    )


def _trusted_devices() -> None:
    op.create_table(
        "zenith_trusted_devices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("password_state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_trusted_devices_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_trusted_devices")),
    )
    op.create_index(
        op.f("ix_zenith_trusted_devices_account_id"),
        "zenith_trusted_devices",
        ["account_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_trusted_devices_digest"), "zenith_trusted_devices", ["digest"], unique=True
    )
    op.create_index(
        op.f("ix_zenith_trusted_devices_expires_at"),
        "zenith_trusted_devices",
        ["expires_at"],
        unique=False,
    )


def _spent_challenges() -> None:
    op.create_table(
        "zenith_spent_challenges",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_zenith_spent_challenges")),
    )
    op.create_index(
        op.f("ix_zenith_spent_challenges_expires_at"),
        "zenith_spent_challenges",
        ["expires_at"],
        unique=False,
    )
