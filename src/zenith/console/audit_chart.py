"""The chart of events by hour or by day, and by outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from zenith.audit import AuditQuery, OutcomeCount
from zenith.console.chart import Chart, stack
from zenith.kernel.records import dataclass

HOUR: Final = 3_600
DAY: Final = 86_400
BY_HOUR: Final = 3 * DAY
"""Seconds that are shown hour by hour; longer ones day by day."""
LONGEST: Final = 90 * DAY
USUAL: Final = DAY
"""Seconds that are shown where nobody asked for a time."""
OUTCOMES: Final = ("success", "failure", "denied", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that a chart shows, in spans of an hour or a day."""

    first: int
    last: int
    span: int

    @classmethod
    def of(cls, query: AuditQuery, *, now: float) -> Window:
        """The time of the search, at most its last ninety days."""
        until = min(now, query.until if query.until is not None else now)
        since = until - USUAL if query.since is None else min(query.since, until)
        since = max(since, until - LONGEST, 0.0)
        span = HOUR if until - since <= BY_HOUR else DAY
        return cls(first=int(since // span), last=int(until // span), span=span)

    @property
    def unit(self) -> str:
        """`hour` or `day`."""
        return "hour" if self.span == HOUR else "day"

    @property
    def begin(self) -> float:
        """Where the first span begins: Unix seconds."""
        return float(self.first * self.span)

    @property
    def end(self) -> float:
        """Where the last span ends."""
        return float((self.last + 1) * self.span)


def draw(counts: Sequence[OutcomeCount], window: Window) -> Chart:
    """The chart of these counts."""
    cells: dict[int, Counter[str]] = {}
    for each in counts:
        cells.setdefault(each.span, Counter())[each.outcome] += each.count
    return stack(cells, OUTCOMES, first=window.first, last=window.last, label=_label(window.span))


def totals(counts: Sequence[OutcomeCount]) -> dict[str, int]:
    """How many of each outcome, for who does not see the chart."""
    found: Counter[str] = Counter()
    for each in counts:
        found[each.outcome] += each.count
    return {outcome: found[outcome] for outcome in OUTCOMES}


def _label(span: int) -> Callable[[int], str]:
    shape = "%d %b, %H:%M" if span == HOUR else "%d %b"
    return lambda number: datetime.fromtimestamp(number * span, UTC).strftime(shape)
