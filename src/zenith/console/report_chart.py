"""The chart of reports by day: bars that the server draws, without script or inline style."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from zenith.headers import DayCount
from zenith.kernel.records import dataclass

SHOWN: Final = 4
"""Directives with a colour of their own; what is rarer shares the last one."""
REST: Final = "others"
WIDTH, HEIGHT = 720, 160
GAP: Final = 0.25
DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of one day's bar."""

    x: float
    y: float
    width: float
    height: float
    series: int
    """Which colour."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What the template draws."""

    bars: tuple[Bar, ...]
    names: tuple[str, ...]
    """What the colours stand for, in their order."""
    first: str
    last: str
    most: int
    """The highest bar; 0 where there is nothing to draw."""
    width: int = WIDTH
    height: int = HEIGHT


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
    most = max((cell.total() for cell in cells.values()), default=0)
    step = WIDTH / (last - first + 1)
    bars: list[Bar] = []
    for day, cell in sorted(cells.items()):
        top = float(HEIGHT)
        for series, name in enumerate(names):
            if cell[name]:
                height = cell[name] / most * HEIGHT
                top -= height
                bars.append(
                    Bar(
                        x=round((day - first + GAP / 2) * step, 2),
                        y=round(top, 2),
                        width=round(step * (1 - GAP), 2),
                        height=round(height, 2),
                        series=series,
                        title=f"{date_of(day)}, {name}: {cell[name]}",
                    )
                )
    return Chart(bars=tuple(bars), names=names, first=date_of(first), last=date_of(last), most=most)


def name_of(kind: str, directive: str) -> str:
    """What a policy's directive, or something else that was reported, is called."""
    if kind == "csp":
        return directive
    return f"{kind}: {directive}" if directive else kind


def date_of(day: int) -> str:
    """`22 Nov`."""
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%d %b")
