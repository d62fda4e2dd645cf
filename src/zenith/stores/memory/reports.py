"""Counts of what browsers report, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.headers import BrowserReport, DayCount, ReportCount


class MemoryReportStore:
    """Counts that end with the process. Never waits, so no other task comes between."""

    def __init__(self) -> None:
        self._rows: Final[dict[tuple[int, BrowserReport], ReportCount]] = {}

    async def add(self, day: int, counts: Sequence[ReportCount], *, room: int) -> None:
        """Add to the counts of `day`."""
        held = sum(each == day for each, _ in self._rows)
        for each in counts:
            has_room = (day, each.report) in self._rows or held < room
            report = each.report if has_room else each.report.folded
            known = self._rows.get((day, report))
            held += known is None
            self._rows[day, report] = _sum(report, (each, *((known,) if known else ())))

    async def totals(self, *, since: int, limit: int) -> Sequence[ReportCount]:
        """The reports since a day, the most frequent first."""
        found: dict[BrowserReport, list[ReportCount]] = {}
        for (day, report), count in self._rows.items():
            if day >= since:
                found.setdefault(report, []).append(count)
        sums = [_sum(report, counts) for report, counts in found.items()]
        return sorted(sums, key=lambda each: (-each.count, each.report.key))[:limit]

    async def days(self, *, since: int) -> Sequence[DayCount]:
        """What was counted since a day, by day, kind and directive."""
        found: dict[tuple[int, str, str], int] = {}
        for (day, report), count in self._rows.items():
            if day >= since:
                group = (day, report.kind, report.directive)
                found[group] = found.get(group, 0) + count.count
        return [
            DayCount(day=day, kind=kind, directive=directive, count=count)
            for (day, kind, directive), count in sorted(found.items())
        ]

    async def prune(self, *, before: int) -> int:
        """Forget the days before this one."""
        gone = [key for key in self._rows if key[0] < before]
        for key in gone:
            del self._rows[key]
        return len(gone)

    async def clear(self) -> int:
        """Forget everything."""
        count = len(self._rows)
        self._rows.clear()
        return count


def _sum(report: BrowserReport, counts: Sequence[ReportCount]) -> ReportCount:
    return ReportCount(
        report=report,
        count=sum(each.count for each in counts),
        first_seen=min(each.first_seen for each in counts),
        last_seen=max(each.last_seen for each in counts),
    )
