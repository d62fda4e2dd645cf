"""The log of security events."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Column, Double, Index, String, Table, Text

from zenith.stores.sql.schema.metadata import COUNTER, metadata

audit_events: Final = Table(
    "zenith_audit_events",
    metadata,
    Column("sequence", COUNTER, primary_key=True, autoincrement=True),
    Column("type", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Column("subject", Text),
    Column("target", Text),
    Column("session_id", Text),
    Column("scheme", Text, nullable=False),
    Column("address", Text),
    Column("user_agent", Text),
    Column("request_id", Text),
    Column("reason", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Index(None, "type", "sequence"),
    Index(None, "subject", "sequence"),
    Index(None, "target", "sequence"),
    # A number that was used is never given again, even if the newest rows are removed.
    sqlite_autoincrement=True,
)
