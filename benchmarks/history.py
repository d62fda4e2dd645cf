"""A line for each release: what was measured then, so that a slower change shows.

Only ratios are compared, and only those that have a budget: what is measured in microseconds says
more about the machine, and what has no budget changes with the peer as well.
"""

from __future__ import annotations

import json
import os
import platform
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.report import FOLDER, Row, number

Entry: TypeAlias = dict[str, Any]
HISTORY = FOLDER / "history.jsonl"
NOTABLE = 0.1
"""More than a tenth slower is said."""


def release() -> str:
    """The version that the sources have."""
    text = (FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def entry(rows: Sequence[Row], *, version: str, at: datetime | None = None) -> Entry:
    """What one run found, and on what."""
    return {
        "version": version,
        "date": (at or datetime.now(UTC)).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rows": [row.as_json() for row in rows],
    }


def read(file: Path = HISTORY) -> list[Entry]:
    """All that were recorded, the oldest first."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def record(new: Entry, file: Path = HISTORY) -> None:
    """Add a line, or replace the one of the same version."""
    entries = read(file)
    versions = [each["version"] for each in entries]
    if new["version"] in versions:
        entries[versions.index(new["version"])] = new
    else:
        entries.append(new)
    lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in entries]
    file.write_text("".join(lines), encoding="utf-8")


def slower(rows: Sequence[Row], last: Entry) -> list[str]:
    """A line for each budgeted ratio that is more than a tenth worse than in that release.

    By more than this run's spread, too: what varies as much between rounds says nothing.
    """
    before = {row["name"]: row["ratio"] for row in last["rows"] if row["ratio"]}
    lines: list[str] = []
    for row in rows:
        then = before.get(row.title)
        if then is None or row.ratio is None or row.budget is None:
            continue
        more_is_better = row.budget.bound == "at least" and row.budget.of == "ratio"
        share = then / row.ratio if more_is_better else row.ratio / then
        if share > 1 + NOTABLE and abs(row.ratio - then) > row.spread:
            percent = f"{100 * (share - 1):.0f} %"
            lines.append(f"{row.title}: {number(row.ratio)}, was {number(then)} ({percent} slower)")
    return lines
