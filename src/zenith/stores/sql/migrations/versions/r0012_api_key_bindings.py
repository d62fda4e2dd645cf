"""API keys bound to a key of their holder or to a tenant; passkeys that open nothing alone;
sign-ins by way of providers.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0011"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("zenith_api_keys", sa.Column("thumbprint", sa.String(43), nullable=True))
    op.add_column("zenith_api_keys", sa.Column("tenant", sa.String(128), nullable=True))
    op.add_column(
        "zenith_passkeys",
        sa.Column("second_only", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    table = "zenith_provider_sign_ins"
    op.create_table(
        table,
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("issuer", bytewise, nullable=False),
        sa.Column("subject", bytewise, nullable=False),
        sa.Column("provider_session", bytewise, nullable=False),
        sa.Column("proven_at", sa.Double, nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["zenith_accounts.id"],
            name="fk_zenith_provider_sign_ins_account_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_zenith_provider_sign_ins"),
    )
    op.create_index(f"ix_{table}_account_id_proven_at", table, ["account_id", "proven_at"])
    op.create_index(f"ix_{table}_issuer_subject", table, ["issuer", "subject"])
    op.create_index(f"ix_{table}_session", table, ["issuer", "provider_session"])
    op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
