"""The audit log: who reads it."""

from __future__ import annotations

from zenith.assembly.parts import Parts
from zenith.audit import AuditReader
from zenith.stores.sql import SqlAuditStore


def audit_reader(parts: Parts) -> AuditReader | None:
    """What searches the log; None where none is kept."""
    if parts.audit_log is None:
        return None
    return AuditReader(SqlAuditStore(parts.database), parts.audit_log)
