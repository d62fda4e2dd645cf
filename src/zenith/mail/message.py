"""One mail."""

from __future__ import annotations

from dataclasses import field

from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """What one person is told. Its text may hold one-time links: no repr shows it."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    kind: str = ""
    """Which notice it is, for the log."""
    number: str = ""
    """Its name in the queue; two copies of one mail have the same."""

    def __repr__(self) -> str:
        return f"Mail(kind={self.kind!r})"
