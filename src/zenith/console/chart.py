"""Charts of stacked bars that the server draws, without script or inline style."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from zenith.kernel.records import dataclass

WIDTH, HEIGHT = 720, 160
GAP: Final = 0.25
"""Part of a span that stays empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of one span's bar."""

    x: float
    y: float
    width: float
    height: float
    series: int
    """Which color."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What the template draws."""

    bars: tuple[Bar, ...]
    names: tuple[str, ...]
    """What the colors stand for, in their order."""
    first: str
    last: str
    most: int
    """The highest bar; 0 where there is nothing to draw."""
    width: int = WIDTH
    height: int = HEIGHT


def stack(
    cells: Mapping[int, Mapping[str, int]],
    names: Sequence[str],
    *,
    first: int,
    last: int,
    label: Callable[[int], str],
) -> Chart:
    """The chart of the spans from `first` to `last`. `cells` holds, for each span, how many there
    were by name; `label` says what a span is called.
    """
    most = max((sum(cell.values()) for cell in cells.values()), default=0)
    step = WIDTH / (last - first + 1)
    bars: list[Bar] = []
    for span, cell in sorted(cells.items()):
        top = float(HEIGHT)
        for series, name in enumerate(names):
            count = cell.get(name, 0)
            if count:
                height = count / most * HEIGHT
                top -= height
                bars.append(
                    Bar(
                        x=round((span - first + GAP / 2) * step, 2),
                        y=round(top, 2),
                        width=round(step * (1 - GAP), 2),
                        height=round(height, 2),
                        series=series,
                        title=f"{label(span)}, {name}: {count}",
                    )
                )
    return Chart(
        bars=tuple(bars), names=tuple(names), first=label(first), last=label(last), most=most
    )
