"""Keys of subjects."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0016"
down_revision: Final = "0015"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_subject_keys",
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("wrapped", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_zenith_subject_keys"),
    )
