"""Mail that waits to be sent."""

from __future__ import annotations

from typing import Final

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """Apply the change."""
