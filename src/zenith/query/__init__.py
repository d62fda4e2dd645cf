"""Models that are queried safely, and the sessions in which that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
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
    from zenith.query.statements import on_statement

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
    "on_statement",
    "on_use",
    "open_session",
    "operation",
    "sensitive",
    "sql",
    "transaction",
    "unhook",
]

# SQLAlchemy is slow to import: who has no models does not wait for it.
__getattr__ = loader(
    __name__,
    {
        "Column": "columns",
        "Columns": "columns",
        "HookedSession": "session",
        "ModelSession": "session",
        "Page": "query",
        "Query": "query",
        "SessionError": "errors",
        "Sessions": "session",
        "Statement": "raw",
        "Versioned": "model",
        "ZenithModel": "model",
        "columns_of": "columns",
        "current_session": "session",
        "get_session": "depends",
        "hidden": "columns",
        "on_begin": "session",
        "on_execute": "session",
        "on_flush": "session",
        "on_statement": "statements",
        "on_use": "session",
        "open_session": "session",
        "operation": "session",
        "sensitive": "columns",
        "sql": "raw",
        "transaction": "session",
        "unhook": "session",
    },
)
