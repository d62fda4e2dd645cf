"""The chart of reports by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from zenith.console.chart import Chart, stack
from zenith.headers import DayCount

SHOWN: Final = 4
"""Directives with a colour of their own; what is rarer shares the last one."""
REST: Final = "others"
DAY: Final = 86_400


def draw(counts: Sequence[DayCount], *, first: int, last: int) -> Chart:
    """The chart of the days from `first` to `last`, counted since 1970-01-01."""
    totals: Counter[str] = Counter()
    cells: dict[int, Counter[str]] = {}
    for each in counts:
        totals[name_of(each.kind, each.directive)] += each.count
    kept = [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))]
    names = (*kept[:SHOWN], *([REST] if len(kept) > SHOWN else []))
    for each in counts:
        name = name_of(each.kind, each.directive)
        cells.setdefault(each.day, Counter())[name if name in names else REST] += each.count
    return stack(cells, names, first=first, last=last, label=date_of)


def name_of(kind: str, directive: str) -> str:
    """What a policy's directive, or something else that was reported, is called."""
    if kind == "csp":
        return directive
    return f"{kind}: {directive}" if directive else kind


def date_of(day: int) -> str:
    """`22 Nov`."""
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%d %b")
