"""API keys."""

from __future__ import annotations

from typing import Final

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Apply the change."""
