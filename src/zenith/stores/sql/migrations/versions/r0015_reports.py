"""Reports of browsers."""

from __future__ import annotations

from typing import Final

revision: Final = "0015"
down_revision: Final = "0014"


def upgrade() -> None:
    """Apply the change."""
