"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).resolve().parent
LATEST = FOLDER / "results" / "latest.json"
GREEN, RED, GREY, PLAIN = "\033[32m", "\033[31m", "\033[90m", "\033[0m"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A bound of the ratio, or of our own figure."""

    value: float
    bound: Literal["at least", "at most"] = "at most"
    of: Literal["ratio", "ours"] = "ratio"

    def holds(self, row: Row) -> bool:
        """Whether the row keeps to it."""
        measured = row.ratio if self.of == "ratio" else row.ours
        if measured is None:
            return False
        return measured >= self.value if self.bound == "at least" else measured <= self.value

    def text(self, unit: str) -> str:
        """As the table shows it."""
        sign = "≥" if self.bound == "at least" else "≤"
        return f"{sign} {number(self.value)}" + (f" {unit}" if self.of == "ours" else "")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    ours: float
    unit: str = "µs"
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None
    spread: float = 0.0
    """Half the distance between the quartiles of the ratio over all rounds, or of our figure."""
    budget: Budget | None = None
    """None where nothing is promised: the row is there to be compared."""

    @property
    def met(self) -> bool | None:
        """Whether the budget holds."""
        return None if self.budget is None else self.budget.holds(self)

    @property
    def title(self) -> str:
        """What tells this row from all others, with its unit and its peer."""
        peer = f"; peer: {self.peer_name}" if self.peer_name else ""
        return f"{self.name} ({self.unit}{peer})"

    def cells(self) -> tuple[str, ...]:
        """The texts of its columns."""
        peer = "" if self.peer is None else f"{self.peer_name} {number(self.peer)} {self.unit}"
        ratio = "" if self.ratio is None else number(self.ratio)
        spread = f"± {number(self.spread)}" if self.spread else ""
        budget = "" if self.budget is None else self.budget.text(self.unit)
        ours = f"{number(self.ours)} {self.unit}"
        return (self.name, ours, peer, ratio, spread, budget, VERDICTS[self.met])

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "name": self.title,
            "ours": _rounded(self.ours),
            "peer": _rounded(self.peer),
            "ratio": _rounded(self.ratio),
            "budget": None if self.budget is None else self.budget.text(self.unit),
            "met": self.met,
        }


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows about one subject."""

    title: str
    rows: list[Row] = field(default_factory=list)


VERDICTS = {True: "met", False: "MISSED", None: ""}
HEAD = ("", "Zenith", "peer", "ratio", "", "budget", "")
WIDTHS = (58, 13, 36, 8, 9, 14, 6)


def number(value: float) -> str:
    """Two or three digits that count, without an exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.{1 - math.floor(math.log10(abs(value)))}f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.0f}"


def _rounded(value: float | None) -> float | None:
    """Five digits that count: some ratios are a hundred thousandth."""
    return None if value is None else float(f"{value:.5g}")


class Table:
    """Prints each row as soon as it is known."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @property
    def rows(self) -> list[Row]:
        """All of them, whatever they are about."""
        return [row for section in self.sections for row in section.rows]

    def head(self) -> None:
        """Print the names of the columns."""
        print(self._paint(_line(HEAD), GREY))

    def section(self, title: str) -> None:
        """Print what the following rows are about."""
        self.sections.append(Section(title=title))
        print(self._paint(f"\n{title}", GREY), flush=True)

    def add(self, row: Row) -> None:
        """Print a row and keep it."""
        self.sections[-1].rows.append(row)
        cells = row.cells()
        verdict = self._paint(cells[-1], GREEN if row.met else RED)
        print(_line(cells[:-1]) + verdict, flush=True)

    def note(self, text: str) -> None:
        """Print what was left out, or what became slower."""
        print(self._paint(f"  {text}", GREY), flush=True)

    def summary(self, seconds: float) -> None:
        """Print how many budgets hold."""
        verdicts = [row.met for row in self.rows if row.met is not None]
        print(f"\n{sum(verdicts)} of {len(verdicts)} budgets met, {seconds:.0f} s")

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._coloured else text


def _line(cells: Sequence[str]) -> str:
    padded = (
        cell.ljust(width) if index in (0, 2) else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, WIDTHS, strict=False))
    )
    return " ".join(padded) + "  "


def write(rows: Sequence[Row]) -> None:
    """Write `results/latest.json`."""
    LATEST.parent.mkdir(exist_ok=True)
    text = json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False) + "\n"
    LATEST.write_text(text, encoding="utf-8")
