"""How thoroughly to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """Quick for a look, full for everything; in between for every day."""

    quick: bool = False
    full: bool = False

    def rounds(self, usual: int) -> int:
        """So many rounds, fewer for a quick look."""
        return max(usual // 4, 3) if self.quick else usual
