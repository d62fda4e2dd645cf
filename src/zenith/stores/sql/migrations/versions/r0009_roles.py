"""Roles that are edited at run time, and who holds them where and until when."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """Apply the change."""
    _roles()
    _role_assignments()
    op.add_column("zenith_account_roles", sa.Column("granted_by", sa.Text()))
    op.add_column("zenith_account_roles", sa.Column("granted_at", sa.Double))


def _bytewise() -> sa.Text:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _roles() -> None:
    op.create_table(
        "zenith_roles",
        sa.Column("name", _bytewise(), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("inherits", sa.JSON(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_zenith_roles")),
    )
    op.create_table(
        "zenith_role_versions",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_zenith_role_versions")),
    )


def _role_assignments() -> None:
    op.create_table(
        "zenith_role_assignments",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tenant", _bytewise(), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=True),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name=op.f("fk_zenith_role_assignments_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "role", "tenant", name=op.f("pk_zenith_role_assignments")
        ),
    )
    op.create_index(op.f("ix_zenith_role_assignments_role"), "zenith_role_assignments", ["role"])
    op.create_index(
        op.f("ix_zenith_role_assignments_expires_at"), "zenith_role_assignments", ["expires_at"]
    )
