"""The audit log: what happened, to whom, from where, with what outcome."""

from zenith.audit.catalogue import CATALOGUE, EventKind
from zenith.audit.errors import UnknownEventError
from zenith.audit.guard import AuditGuard
from zenith.audit.log import AuditLog
from zenith.audit.reader import AuditPage, AuditReader
from zenith.audit.search import AuditQuery, OutcomeCount, read_query
from zenith.audit.security_events import SECURITY_EVENTS, SecurityAuditLog
from zenith.audit.settings import AuditSettings
from zenith.audit.store import AuditStore, StoredEvent

__all__ = [
    "CATALOGUE",
    "SECURITY_EVENTS",
    "AuditGuard",
    "AuditLog",
    "AuditPage",
    "AuditQuery",
    "AuditReader",
    "AuditSettings",
    "AuditStore",
    "EventKind",
    "OutcomeCount",
    "SecurityAuditLog",
    "StoredEvent",
    "UnknownEventError",
    "read_query",
]
