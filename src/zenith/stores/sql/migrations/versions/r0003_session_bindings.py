"""What step-up, bound and named sessions need."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("zenith_sessions", sa.Column("name", sa.Text(), nullable=True))
    op.add_column(
        "zenith_sessions",
        sa.Column("remembered", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
