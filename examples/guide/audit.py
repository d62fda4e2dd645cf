"""The audit log. Sign-ins and refusals record themselves; handlers add what only they know."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter

from zenith import CurrentUser, Request
from zenith.audit import SecurityAuditLog
from zenith.pipeline import exchange_of

router = APIRouter()
audit_log = SecurityAuditLog(logging.getLogger("guide.audit"))


@router.get("/me/export")
async def export(user: CurrentUser, request: Request) -> dict[str, Any]:
    """The caller's own data; that it left is on record before it does."""
    exchange = exchange_of(request.scope)
    await audit_log.log_event(
        event_type="DATA_EXPORT",
        user_id=user.id,
        ip_address=exchange.client,
        user_agent=exchange.header(b"user-agent"),
        details={"format": "json"},
    )
    return {"id": user.id, "email": user.email, "name": user.name}
