"""What scheduled key rotation and sender-constrained tokens need."""

from __future__ import annotations

from typing import Final

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Apply the change."""
