"""What step-up, bound and named sessions need."""

from __future__ import annotations

from typing import Final

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Apply the change."""
