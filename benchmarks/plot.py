"""Plots as SVG: readable on light and dark pages, by eye and by screen reader.

Every bar and line is labelled where it ends, so that nobody needs to tell its color. Colors follow
what the reader's system prefers, on a ground of their own, so that they suit any page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.report import number

WIDTH: Final = 760
MARGIN: Final = 24
FIRST_LINE: Final = 34
STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #1c2430 }
  .head { font-weight: 600; font-size: 15px }
  .minor { fill: #566070; font-size: 12px }
  .ground { fill: #ffffff; stroke: #d5dae1 }
  .grid { stroke: #e3e7ec; fill: none }
  .axis { stroke: #566070; fill: none }
  .line { fill: none; stroke-width: 2.5 }
  .s0 { fill: #1a56c4; stroke: #1a56c4 } .s1 { fill: #b4460b; stroke: #b4460b }
  .s2 { fill: #7434c9; stroke: #7434c9 } .s3 { fill: #147a3d; stroke: #147a3d }
  .line.s0, .line.s1, .line.s2, .line.s3 { fill: none }
  .line.s1 { stroke-dasharray: 8 4 } .line.s2 { stroke-dasharray: 2 4 }
  .line.s3 { stroke-dasharray: 10 4 2 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8ecf1 }
    .minor { fill: #a5b0be }
    .ground { fill: #161b22; stroke: #353d48 }
    .grid { stroke: #2b323c }
    .axis { stroke: #a5b0be }
    .s0 { fill: #7db1ff; stroke: #7db1ff } .s1 { fill: #ffa066; stroke: #ffa066 }
    .s2 { fill: #c9a8ff; stroke: #c9a8ff } .s3 { fill: #6fdc9b; stroke: #6fdc9b }
  }
"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Bars that belong together: what they are, and one value for each series that has one."""

    label: str
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Groups on one scale."""

    title: str
    unit: str
    groups: Sequence[Group]


def bars(title: str, description: str, panels: Sequence[Panel]) -> str:
    """Horizontal bars, each panel on a scale of its own that begins at nothing."""
    left, widest, thick = 236, 300, 22
    series = _series(group.values for panel in panels for group in panel.groups)
    parts: list[str] = []
    y = FIRST_LINE
    for panel in panels:
        y += 28
        parts.append(_text(MARGIN, y, f"{panel.title} ({panel.unit})", "minor"))
        y += 12
        most = max(value for group in panel.groups for value in group.values.values())
        for group in panel.groups:
            middle = y + thick * len(group.values) / 2
            parts.append(_text(left - 10, middle + 4, group.label, anchor="end"))
            for name, value in group.values.items():
                long = max(widest * value / most, 1.5)
                shape = f'x="{left}" y="{y + 3}" width="{long:.1f}" height="{thick - 6}"'
                parts.append(f'<rect class="s{series[name]}" {shape}/>')
                label = f"{name} {number(value)} {panel.unit}"
                parts.append(_text(left + long + 8, y + thick / 2 + 4, label))
                y += thick
            y += 14
    return _document(title, description, y + 6, parts)


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Where the lines are drawn."""

    places: Sequence[str]
    """What stands below, evenly spaced."""
    below: str
    unit: str
    powers: bool = False
    """Each step upwards is ten times the one before."""


class _Area:
    """From values to places on the page."""

    left, right, top, bottom = 84, 560, 64, 304

    def __init__(self, axes: Axes, values: Sequence[float]) -> None:
        self._axes = axes
        self._low, self._high = 0.0, 1.0
        if axes.powers:
            self._low = math.floor(math.log10(min(values)))
            self._high = math.ceil(math.log10(max(values)))
        else:
            self._high = _round_up(max(values))

    def x(self, index: int) -> float:
        """Of the place with that number."""
        count = len(self._axes.places)
        return self.left + (self.right - self.left) * (index + 0.5) / count

    def y(self, value: float) -> float:
        """Of a value."""
        at = math.log10(value) if self._axes.powers else value
        share = (at - self._low) / ((self._high - self._low) or 1)
        return self.bottom - (self.bottom - self.top) * share

    def frame(self) -> Iterator[str]:
        """Lines to compare with, and what they stand for."""
        if self._axes.powers:
            ticks = [10.0**power for power in range(int(self._low), int(self._high) + 1)]
        else:
            ticks = [self._high * part / 4 for part in range(5)]
        for tick in ticks:
            y = self.y(tick)
            yield f'<path class="grid" d="M{self.left} {y:.1f}H{self.right}"/>'
            label = f"{number(tick)} {self._axes.unit}"
            yield _text(self.left - 8, y + 4, label, "minor", anchor="end")
        yield f'<path class="axis" d="M{self.left} {self.bottom}H{self.right}"/>'
        for index, place in enumerate(self._axes.places):
            yield _text(self.x(index), self.bottom + 20, place, "minor", anchor="middle")
        middle = (self.left + self.right) / 2
        yield _text(middle, self.bottom + 40, self._axes.below, "minor", anchor="middle")


def lines(
    title: str, description: str, axes: Axes, values: Mapping[str, Sequence[float | None]]
) -> str:
    """A line for each series; None is a gap at its place."""
    known = [value for each in values.values() for value in each if value is not None]
    area = _Area(axes, known)
    parts = list(area.frame())
    ends: list[tuple[float, str]] = []
    for index, (name, each) in enumerate(values.items()):
        points = [
            (area.x(place), area.y(value)) for place, value in enumerate(each) if value is not None
        ]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path class="line s{index % 4}" d="M{path}"/>')
        parts += [
            f'<circle class="s{index % 4}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in points
        ]
        last = next(value for value in reversed(each) if value is not None)
        ends.append((points[-1][1], f"{name} {number(last)} {axes.unit}"))
    for y, label in _apart(ends):
        parts.append(_text(area.x(len(axes.places) - 1) + 12, y + 4, label))
    return _document(title, description, _Area.bottom + 58, parts)


def _apart(labels: Sequence[tuple[float, str]], gap: float = 17) -> list[tuple[float, str]]:
    """No label on another one: those that are too close move down."""
    placed: list[tuple[float, str]] = []
    for y, label in sorted(labels):
        above = placed[-1][0] + gap if placed else -math.inf
        placed.append((max(y, above), label))
    return placed


def _round_up(value: float) -> float:
    """A round number that is not less."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        step * power for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 6, 8, 10) if step * power >= value
    )


def _series(groups: Iterator[Mapping[str, float]]) -> dict[str, int]:
    """A number for each name, in the order in which they appear."""
    found: dict[str, int] = {}
    for values in groups:
        for name in values:
            found.setdefault(name, len(found) % 4)
    return found


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    kind = f' class="{kind}"' if kind else ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{where}>{escape(text)}</text>'


def _document(title: str, description: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        ' role="img" aria-labelledby="title description">'
    )
    ground = (
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}"'
        ' rx="8"/>'
    )
    return "\n".join(
        [
            head,
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            ground,
            _text(MARGIN, FIRST_LINE, title, "head"),
            *parts,
            "</svg>\n",
        ]
    )
