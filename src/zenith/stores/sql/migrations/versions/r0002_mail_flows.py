"""What account flows by mail need, and columns of the application's own."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("zenith_accounts", sa.Column("profile", sa.JSON(), nullable=True))
    op.create_table(
        "zenith_mail_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("password_changed_at", sa.Double, nullable=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_mail_links_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_zenith_mail_links")),
    )
    op.create_index(
        op.f("ix_zenith_mail_links_account_id_purpose"),
        "zenith_mail_links",
        ["account_id", "purpose"],
        unique=False,
    )
    op.create_index(
        op.f("ix_zenith_mail_links_expires_at"), "zenith_mail_links", ["expires_at"], unique=False
    )
