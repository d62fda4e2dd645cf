"""Models that are queried safely, and the sessions in which that happens."""

from __future__ import annotations

from zenith.query.errors import SessionError
from zenith.query.session import (
    HookedSession,
    ModelSession,
    Sessions,
    current_session,
    on_begin,
    on_execute,
    on_flush,
    open_session,
    operation,
    transaction,
    unhook,
)

__all__ = [
    "HookedSession",
    "ModelSession",
    "SessionError",
    "Sessions",
    "current_session",
    "on_begin",
    "on_execute",
    "on_flush",
    "open_session",
    "operation",
    "transaction",
    "unhook",
]
