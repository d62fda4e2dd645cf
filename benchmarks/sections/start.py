"""Import and start, in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from functools import partial

from benchmarks.options import Options
from benchmarks.report import FOLDER, Budget, Row
from benchmarks.timing import Measured

TITLE = "Import and start (CPU time of fresh processes)"
ROUNDS = 7
IMPORT = """
import time
started = time.process_time()
{statement}
print(time.process_time() - started)
"""


def _run(*arguments: str, bytecode: str) -> float:
    """What the program prints, in ms. All find their bytecode in the folder `bytecode`, which the
    round that warms up has filled: whether the environment forbids it to Python decides nothing.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=FOLDER.parent,
        env=environment,
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
    """`from zenith import Zenith`, and an application of 1,000 routes until it is ready."""
    rounds = options.rounds(ROUNDS)
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        run = partial(_run, bytecode=f"{folder}/bytecode")
        ours, theirs = "from zenith import Zenith", "from fastapi import FastAPI"
        found = _alternate(
            {
                "zenith": lambda: run("-c", IMPORT.format(statement=ours)),
                "fastapi": lambda: run("-c", IMPORT.format(statement=theirs)),
            },
            rounds,
        )
        yield _row("import", found, 1.5)
        found = _alternate(
            {
                "zenith": lambda: run("-m", "benchmarks.start", "zenith", folder),
                "fastapi": lambda: run("-m", "benchmarks.start", "bare", folder),
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
