"""Versions of policies, and the decisions that were recorded."""

from __future__ import annotations

from typing import Final

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """Apply the change."""
