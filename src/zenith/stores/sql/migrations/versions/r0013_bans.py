"""Temporary bans."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final = "0012"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_bans",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("offences", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_zenith_bans"),
    )
    op.create_index("ix_zenith_bans_updated_at", "zenith_bans", ["updated_at"])
    op.create_index("ix_zenith_bans_until", "zenith_bans", ["until"])
