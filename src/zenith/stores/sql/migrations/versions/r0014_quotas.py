"""Quotas that last."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final = "0013"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_quotas",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", "bucket", name="pk_zenith_quotas"),
    )
    op.create_index("ix_zenith_quotas_expires_at", "zenith_quotas", ["expires_at"])
