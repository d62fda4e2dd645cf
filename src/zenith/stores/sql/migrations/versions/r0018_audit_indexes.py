"""Rows of the log that are put into the indexes of searches later, many at once (SQLite)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0018"
down_revision: Final = "0017"
EVENTS: Final = "zenith_audit_events"


def upgrade() -> None:
    """Apply the change. Rows that are there have NULL: they are in the indexes."""
    op.add_column(EVENTS, sa.Column("unindexed", sa.SmallInteger()))
    new = sa.text("unindexed IS NOT NULL")
    op.create_index(
        f"ix_{EVENTS}_unindexed", EVENTS, ["sequence"], sqlite_where=new, postgresql_where=new
    )
    if op.get_bind().dialect.name == "sqlite":
        _leave_out_new_rows()


def _leave_out_new_rows() -> None:
    for column, part in (
        ("type", ""),
        ("outcome", "outcome <> 'success' AND "),
        ("severity", "severity <> 'INFO' AND "),
        ("at", ""),
        ("subject", ""),
        ("target", ""),
        ("session_id", "session_id IS NOT NULL AND "),
        ("address", "address IS NOT NULL AND "),
        ("request_id", "request_id IS NOT NULL AND "),
        ("trace_id", "trace_id IS NOT NULL AND "),
    ):
        name = f"ix_{EVENTS}_{column}_sequence"
        op.drop_index(name, EVENTS)
        settled = sa.text(f"{part}unindexed IS NULL")
        op.create_index(name, EVENTS, [column, "sequence"], sqlite_where=settled)
