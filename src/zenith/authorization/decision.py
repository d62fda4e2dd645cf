"""The answer to "may they?", with its why."""

from __future__ import annotations

from typing import Final

from zenith.kernel.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Allow or deny. Deny is also the answer where no decision could safely be reached."""

    allowed: bool
    detail: str = ""
    """What the caller may be told: what is missing, never why it is missing."""
    reason: str = ""
    """The whole truth, for the audit log."""
    factors: tuple[str, ...] = ()
    """A recent proof of any of these would change the answer."""
    max_age: float = 0.0
    """Seconds that such a proof may be old."""

    @property
    def denied(self) -> bool:
        """The opposite of `allowed`."""
        return not self.allowed


ALLOW: Final = Decision(allowed=True)
