"""The audit log: who reads it."""

from __future__ import annotations

from zenith.assembly.parts import Parts
from zenith.audit import AuditReader


def audit_reader(parts: Parts) -> AuditReader | None:
    """What searches the log; None where none is kept."""
    return None if parts.audit is None else AuditReader(parts.audit.store, parts.audit.log)
