"""Puts the parts together, from settings."""

from __future__ import annotations

from zenith.assembly.assembly import Assembly, assemble

__all__ = ["Assembly", "assemble"]
