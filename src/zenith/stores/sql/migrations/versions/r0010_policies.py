"""Versions of policies, and the decisions that were recorded."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "zenith_policy_versions",
        sa.Column("policy", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("policy", "number", name=op.f("pk_zenith_policy_versions")),
    )
    op.create_table(
        "zenith_policy_activations",
        sa.Column("policy", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("activated_at", sa.Double, nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy", "number"],
            ["zenith_policy_versions.policy", "zenith_policy_versions.number"],
            name=op.f("fk_zenith_policy_activations_policy_number"),
        ),
        sa.PrimaryKeyConstraint("policy", "revision", name=op.f("pk_zenith_policy_activations")),
    )
    _keep_decisions()


def _keep_decisions() -> None:
    op.create_table(
        "zenith_policy_decisions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("policy", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zenith_policy_decisions")),
    )
    op.create_index(
        op.f("ix_zenith_policy_decisions_policy_id"),
        "zenith_policy_decisions",
        ["policy", "id"],
        unique=False,
    )
