"""What scheduled key rotation and sender-constrained tokens need."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_token_keys",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("signs_at", sa.Double, nullable=False),
        sa.Column("retired_at", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_zenith_token_keys")),
    )
    op.create_index(op.f("ix_zenith_token_keys_kid"), "zenith_token_keys", ["kid"], unique=True)
    op.create_table(
        "zenith_token_proofs",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_zenith_token_proofs")),
    )
    op.create_index(
        op.f("ix_zenith_token_proofs_expires_at"),
        "zenith_token_proofs",
        ["expires_at"],
        unique=False,
    )
