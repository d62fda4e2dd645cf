"""Identities at OpenID providers."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """Apply the change."""
    _identities()
    _pending_authorizations()


def _bytewise() -> sa.Text:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _identities() -> None:
    op.create_table(
        "zenith_identities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("issuer", _bytewise(), nullable=False),
        sa.Column("subject", _bytewise(), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_identities_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_identities")),
    )
    op.create_index(
        op.f("ix_zenith_identities_issuer_subject"),
        "zenith_identities",
        ["issuer", "subject"],
        unique=True,
    )
    op.create_index(op.f("ix_zenith_identities_account_id"), "zenith_identities", ["account_id"])


def _pending_authorizations() -> None:
    op.create_table(
        "zenith_pending_authorizations",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("challenge", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_zenith_pending_authorizations")),
    )
    op.create_index(
        op.f("ix_zenith_pending_authorizations_expires_at"),
        "zenith_pending_authorizations",
        ["expires_at"],
    )
