"""Mails that wait, encrypted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from zenith.stores.sql.schema.metadata import metadata

mail_queue: Final = Table(
    "zenith_mail_queue",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    # When it may be taken: at once, after a pause, or when the time of who took it is over.
    Column("due_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claim", String(32)),
    Index(None, "due_at"),
)
