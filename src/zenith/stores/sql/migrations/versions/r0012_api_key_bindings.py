"""API keys bound to a key of their holder."""

from __future__ import annotations

from typing import Final

revision: Final = "0012"
down_revision: Final = "0011"


def upgrade() -> None:
    """Apply the change."""
