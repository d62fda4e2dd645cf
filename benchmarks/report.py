"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).resolve().parent
LATEST = FOLDER / "results" / "latest.json"
HISTORY = FOLDER / "history.jsonl"
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
    budget: Budget

    @property
    def met(self) -> bool:
        """Whether the budget holds."""
        return self.budget.holds(self)

    def cells(self) -> tuple[str, ...]:
        """The texts of its columns."""
        peer = "" if self.peer is None else f"{self.peer_name} {number(self.peer)} {self.unit}"
        ratio = "" if self.ratio is None else number(self.ratio)
        spread = f"± {number(self.spread)}" if self.spread else ""
        budget = self.budget.text(self.unit)
        ours = f"{number(self.ours)} {self.unit}"
        return (self.name, ours, peer, ratio, spread, budget, "met" if self.met else "MISSED")

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        peer = f"; peer: {self.peer_name}" if self.peer_name else ""
        return {
            "name": f"{self.name} ({self.unit}{peer})",
            "ours": _rounded(self.ours),
            "peer": _rounded(self.peer),
            "ratio": _rounded(self.ratio),
            "budget": self.budget.text(self.unit),
            "met": self.met,
        }


HEAD = ("", "Zenith", "peer", "ratio", "", "budget", "")
WIDTHS = (54, 13, 34, 8, 9, 14, 6)


def number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value and abs(value) < 0.001:
        return f"{value:.5f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.0f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


class Table:
    """Prints each row as soon as it is known."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def head(self) -> None:
        """Print the names of the columns."""
        print(self._paint(_line(HEAD), GREY))

    def section(self, title: str) -> None:
        """Print what the following rows are about."""
        print(self._paint(f"\n{title}", GREY), flush=True)

    def add(self, row: Row) -> None:
        """Print a row and keep it."""
        self.rows.append(row)
        cells = row.cells()
        verdict = self._paint(cells[-1], GREEN if row.met else RED)
        print(_line(cells[:-1]) + verdict, flush=True)

    def note(self, text: str) -> None:
        """Print what was left out, and why."""
        print(self._paint(f"  {text}", GREY), flush=True)

    def summary(self, seconds: float) -> None:
        """Print how many budgets hold."""
        met = sum(row.met for row in self.rows)
        print(f"\n{met} of {len(self.rows)} budgets met, {seconds:.0f} s")

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._coloured else text


def _line(cells: Sequence[str]) -> str:
    padded = (
        cell.ljust(width) if index in (0, 2) else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, WIDTHS, strict=False))
    )
    return " ".join(padded) + "  "


def write(rows: Sequence[Row], *, record: bool) -> None:
    """Write `results/latest.json` and, where asked for, a line of the history."""
    found = [row.as_json() for row in rows]
    LATEST.parent.mkdir(exist_ok=True)
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    LATEST.write_text(text, encoding="utf-8")
    if record:
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": sys.version.split()[0],
            "cores": os.cpu_count(),
            "rows": found,
        }
        with HISTORY.open("a", encoding="utf-8") as history:
            history.write(json.dumps(entry, ensure_ascii=False) + "\n")
