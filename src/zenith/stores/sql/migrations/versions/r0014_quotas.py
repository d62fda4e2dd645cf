"""Quotas that last."""

from __future__ import annotations

from typing import Final

revision: Final = "0014"
down_revision: Final = "0013"


def upgrade() -> None:
    """Apply the change."""
