"""Versions of policies, which of them were in force, and recorded decisions."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from zenith.stores.sql.schema.metadata import COUNTER, metadata

policy_versions: Final = Table(
    "zenith_policy_versions",
    metadata,
    Column("policy", String(200), primary_key=True),
    # Given by whoever writes it: of two that write the same one, the second is told.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("format", String(8), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

policy_activations: Final = Table(
    "zenith_policy_activations",
    metadata,
    Column("policy", String(200), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("activated_at", Double, nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(
        ["policy", "number"], ["zenith_policy_versions.policy", "zenith_policy_versions.number"]
    ),
)

policy_decisions: Final = Table(
    "zenith_policy_decisions",
    metadata,
    Column("id", COUNTER, primary_key=True, autoincrement=True),
    Column("policy", String(200), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("action", Text, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("facts", JSON, nullable=False),
    Index(None, "policy", "id"),
)
