"""What the collector of reports needs to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zenith.headers.reports import BrowserReport
from zenith.kernel.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCount:
    """How often the same was told, of one day or of several."""

    report: BrowserReport
    count: int
    first_seen: float
    last_seen: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """How often something of a kind was told on one day."""

    day: int
    """Days since 1970-01-01, UTC."""
    kind: str
    directive: str
    count: int


class ReportStore(Protocol):
    """Counts by report and day. Whatever is told at once is counted exactly."""

    async def add(self, day: int, counts: Sequence[ReportCount], *, room: int) -> None:
        """Add to the counts of `day`. Where that day has `room` rows, what would need another is
        added to its `folded` report instead; what fills one day leaves the next its room.
        Processes that add at once may each still find the last place.
        """
        ...

    async def totals(self, *, since: int, limit: int) -> Sequence[ReportCount]:
        """The reports since a day, the most frequent first."""
        ...

    async def days(self, *, since: int) -> Sequence[DayCount]:
        """What was counted since a day, by day, kind and directive, in that order."""
        ...

    async def prune(self, *, before: int) -> int:
        """Forget the days before this one; how many rows there were."""
        ...

    async def clear(self) -> int:
        """Forget everything; how many rows there were."""
        ...
