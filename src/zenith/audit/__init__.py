"""The audit log: what happened, to whom, from where, with what outcome."""

from zenith.audit.errors import UnknownEventError
from zenith.audit.guard import AuditGuard
from zenith.audit.log import AuditLog
from zenith.audit.security_events import SECURITY_EVENTS, SecurityAuditLog
from zenith.audit.settings import AuditSettings
from zenith.audit.store import AuditStore, StoredEvent

__all__ = [
    "SECURITY_EVENTS",
    "AuditGuard",
    "AuditLog",
    "AuditSettings",
    "AuditStore",
    "SecurityAuditLog",
    "StoredEvent",
    "UnknownEventError",
]
