"""Failed attempts at sign-in."""

from __future__ import annotations

from typing import Final

revision: Final = "0008"
down_revision: Final = "0007"


def upgrade() -> None:
    """Apply the change."""
