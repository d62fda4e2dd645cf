"""The log of security events, and the chain of seals that proves it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from zenith.stores.sql.schema.metadata import COUNTER, metadata

SETTLED: Final = "unindexed IS NULL"
"""Which rows the indexes of searches hold, on SQLite."""


def _searched(column: str, part: str = "") -> Index:
    """Pages of what has one value, newest first, on SQLite without what is too new.

    On PostgreSQL it holds new rows, too, and the `part` is named by the migration: here, its
    condition would load that dialect, which is as large as the rest, into each process that uses
    SQLite.
    """
    condition = f"{part} AND {SETTLED}" if part else SETTLED
    return Index(None, column, "sequence", sqlite_where=text(condition))


def _where_known(column: str) -> Index:
    """The same where rows without the value cost nothing."""
    return _searched(column, f"{column} IS NOT NULL")


def _where_unusual(column: str, usual: str) -> Index:
    """The same where nearly all rows have one value, which is found without an index."""
    return _searched(column, f"{column} <> '{usual}'")


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
    Column("stream", String(32), nullable=False, server_default=text("'main'")),
    Column("event_id", String(32)),
    Column("trace_id", String(64)),
    Column("mac", LargeBinary),
    # 1 as long as no index of searches holds the row: see `SqlSealStore.index`.
    Column("unindexed", SmallInteger),
    Index(
        "ix_zenith_audit_events_unindexed",
        "sequence",
        sqlite_where=text("unindexed IS NOT NULL"),
    ),
    _searched("type"),
    _where_unusual("outcome", "success"),
    _where_unusual("severity", "INFO"),
    _searched("at"),
    _searched("subject"),
    _searched("target"),
    _where_known("session_id"),
    _where_known("address"),
    _where_known("request_id"),
    _where_known("trace_id"),
    Index("uq_zenith_audit_events_event_id", "event_id", unique=True),
    # A number that was used is never given again, even if the newest rows are removed.
    sqlite_autoincrement=True,
)

audit_seals: Final = Table(
    "zenith_audit_seals",
    metadata,
    Column("stream", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Column("writer", String(64), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("through", BigInteger, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
