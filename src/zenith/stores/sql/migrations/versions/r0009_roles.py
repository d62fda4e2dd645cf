"""Roles that are edited at run time, and who holds them where and until when."""

from __future__ import annotations

from typing import Final

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """Apply the change."""
