"""What account flows by mail need."""

from __future__ import annotations

from typing import Final

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Apply the change."""
