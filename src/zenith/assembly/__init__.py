"""Puts the parts together, from settings."""

from __future__ import annotations

from zenith.assembly.assembly import Assembly, assemble
from zenith.assembly.start_record import StartRecord

__all__ = ["Assembly", "StartRecord", "assemble"]
