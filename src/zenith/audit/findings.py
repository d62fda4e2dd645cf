"""What verification found."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Final, TypeAlias

from zenith.kernel.records import dataclass

MAX_KEPT: Final = 1_000
"""Findings of one kind that are kept with their places; those beyond are counted."""


class FindingKind(StrEnum):
    """What can be wrong with a log."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    FORKED = "forked"
    BAD_SEAL = "bad seal"
    BAD_CHECKPOINT = "bad checkpoint"
    AWAITING_SEAL = "awaiting seal"
    """Genuine, and not sealed yet: no damage."""


Oddity: TypeAlias = tuple[FindingKind, str]
"""What is neither an event nor a link of the chain, and why it should not be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing, and where."""

    kind: FindingKind
    reason: str
    stream: str
    sequence: int | None = None
    """Place of the event in the log."""
    event_id: str | None = None
    seal: int | None = None
    """Number of the seal."""
    at: float | None = None
    """When the event happened, or the seal or checkpoint was made: Unix time."""

    @property
    def is_damage(self) -> bool:
        """Whether somebody tampered with the log."""
        return self.kind != FindingKind.AWAITING_SEAL


class Findings:
    """Findings of a log, of which there may be as many as events."""

    def __init__(self, stream: str) -> None:
        self._stream: Final = stream
        self.kept: Final[list[Finding]] = []
        self.counts: Final[Counter[FindingKind]] = Counter()

    def add(
        self,
        kind: FindingKind,
        reason: str,
        *,
        sequence: int | None = None,
        event_id: str | None = None,
        seal: int | None = None,
        at: float | None = None,
    ) -> None:
        """Take one."""
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_KEPT:
            self.kept.append(
                Finding(
                    kind=kind,
                    reason=reason,
                    stream=self._stream,
                    sequence=sequence,
                    event_id=event_id,
                    seal=seal,
                    at=at,
                )
            )

    @property
    def damages(self) -> int:
        """How many tell of tampering."""
        return self.counts.total() - self.counts[FindingKind.AWAITING_SEAL]
