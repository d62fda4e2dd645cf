"""API keys bound to a key of their holder."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0011"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("zenith_api_keys", sa.Column("thumbprint", sa.String(43), nullable=True))
