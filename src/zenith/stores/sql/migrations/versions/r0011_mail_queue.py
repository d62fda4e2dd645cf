"""Mail that waits to be sent."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_mail_queue",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_zenith_mail_queue"),
    )
    op.create_index("ix_zenith_mail_queue_due_at", "zenith_mail_queue", ["due_at"])
