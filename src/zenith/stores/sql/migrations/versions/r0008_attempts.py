"""Failed attempts at sign-in."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.Double, nullable=False),
        sa.Column("waiting_until", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_zenith_attempts")),
    )
    op.create_index(op.f("ix_zenith_attempts_expires_at"), "zenith_attempts", ["expires_at"])
