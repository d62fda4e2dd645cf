"""Models that are queried safely, and the sessions in which that happens."""

from __future__ import annotations

from zenith.query.columns import Column, Columns, columns_of, hidden, sensitive
from zenith.query.depends import get_session
from zenith.query.errors import SessionError
from zenith.query.model import Versioned, ZenithModel
from zenith.query.query import Page, Query
from zenith.query.raw import Statement, sql
from zenith.query.session import (
    HookedSession,
    ModelSession,
    Sessions,
    current_session,
    on_begin,
    on_execute,
    on_flush,
    on_use,
    open_session,
    operation,
    transaction,
    unhook,
)

__all__ = [
    "Column",
    "Columns",
    "HookedSession",
    "ModelSession",
    "Page",
    "Query",
    "SessionError",
    "Sessions",
    "Statement",
    "Versioned",
    "ZenithModel",
    "columns_of",
    "current_session",
    "get_session",
    "hidden",
    "on_begin",
    "on_execute",
    "on_flush",
    "on_use",
    "open_session",
    "operation",
    "sensitive",
    "sql",
    "transaction",
    "unhook",
]
