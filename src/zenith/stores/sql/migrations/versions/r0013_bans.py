"""Temporary bans."""

from __future__ import annotations

from typing import Final

revision: Final = "0013"
down_revision: Final = "0012"


def upgrade() -> None:
    """Apply the change."""
