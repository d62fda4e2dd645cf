"""Proof of the log: ids, MACs and seals; and indexes to search it by any field."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0017"
down_revision: Final = "0016"
EVENTS: Final = "zenith_audit_events"


def upgrade() -> None:
    """Apply the change."""
    stream = sa.Column("stream", sa.String(32), nullable=False, server_default=sa.text("'main'"))
    op.add_column(EVENTS, stream)
    op.add_column(EVENTS, sa.Column("event_id", sa.String(32)))
    op.add_column(EVENTS, sa.Column("trace_id", sa.String(64)))
    op.add_column(EVENTS, sa.Column("mac", sa.LargeBinary()))
    op.create_index("uq_zenith_audit_events_event_id", EVENTS, ["event_id"], unique=True)
    op.create_index(f"ix_{EVENTS}_at_sequence", EVENTS, ["at", "sequence"])
    for column, part in (
        ("outcome", "outcome <> 'success'"),
        ("severity", "severity <> 'INFO'"),
        ("session_id", "session_id IS NOT NULL"),
        ("address", "address IS NOT NULL"),
        ("request_id", "request_id IS NOT NULL"),
        ("trace_id", "trace_id IS NOT NULL"),
    ):
        op.create_index(
            f"ix_{EVENTS}_{column}_sequence",
            EVENTS,
            [column, "sequence"],
            sqlite_where=sa.text(part),
            postgresql_where=sa.text(part),
        )
    op.create_table(
        "zenith_audit_seals",
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "number", name="pk_zenith_audit_seals"),
    )
