"""Import and start, in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable

from benchmarks.options import Options
from benchmarks.report import FOLDER, Budget, Row
from benchmarks.timing import Measured

TITLE = "Import and start (CPU time of fresh processes)"
ROUNDS = 7
IMPORT = """
import time
started = time.process_time()
import {module}
print(time.process_time() - started)
"""


def _run(*arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True, cwd=FOLDER.parent
    )
    return float(json.loads(done.stdout)) * 1000


def _alternate(works: dict[str, Callable[[], float]], rounds: int) -> Measured:
    found: dict[str, list[float]] = {name: [] for name in works}
    for index in range(-1, rounds):
        names = list(works) if index % 2 else list(reversed(works))
        for name in names:
            spent = works[name]()
            if index >= 0:
                found[name].append(spent)
    return Measured({name: tuple(times) for name, times in found.items()})


async def measure(options: Options) -> AsyncIterator[Row]:
    """`import zenith.app`, and an application of 1,000 routes until it is ready."""
    rounds = options.rounds(ROUNDS)
    found = _alternate(
        {
            "zenith": lambda: _run("-c", IMPORT.format(module="zenith.app")),
            "fastapi": lambda: _run("-c", IMPORT.format(module="fastapi")),
        },
        rounds,
    )
    yield _row("import", found, 1.5)
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        found = _alternate(
            {
                "zenith": lambda: _run("-m", "benchmarks.start", "zenith", folder),
                "fastapi": lambda: _run("-m", "benchmarks.start", "bare", folder),
            },
            rounds,
        )
    yield _row("build and start with 1,000 routes", found, 1.3)


def _row(name: str, found: Measured, budget: float) -> Row:
    ratio, spread = found.ratio("zenith", "fastapi")
    return Row(
        name=name,
        ours=found.of("zenith"),
        unit="ms",
        peer_name="FastAPI",
        peer=found.of("fastapi"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=budget),
    )
