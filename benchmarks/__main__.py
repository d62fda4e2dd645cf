"""`python -m benchmarks`: measure, print, write. Timings never fail: the exit code is 0."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import time

from benchmarks import figures, history
from benchmarks.options import Options
from benchmarks.report import Table, write

SECTIONS = (
    "in_process",
    "frameworks",
    "server",
    "routes",
    "tokens",
    "api_keys",
    "rate_limits",
    "redis_limits",
    "roles",
    "policies",
    "queries",
    "headers",
    "content",
    "encryption",
    "redaction",
    "audit",
    "recorded",
    "passwords",
    "start",
)

SLOW = ("passwords",)


async def run(names: tuple[str, ...], options: Options, table: Table) -> None:
    """Run the sections one after the other."""
    for name in names:
        if options.quick and name in SLOW:
            continue
        section = importlib.import_module(f"benchmarks.sections.{name}")
        table.section(section.TITLE)
        async for row in section.measure(options):
            table.add(row)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look; writes no page")
    parser.add_argument("--full", action="store_true", help="a million keys, too")
    parser.add_argument(
        "--record", action="store_true", help="write this release's line of history.jsonl"
    )
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    given = parser.parse_args()
    whole = not given.quick and given.only is None
    if given.record and not whole:
        parser.error("--record needs a whole run: leave out --quick and --only")
    # Without their bytecode, the processes that are measured would compile every file anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    table = Table()
    started = time.monotonic()
    table.head()
    names = tuple(given.only or SECTIONS)
    asyncio.run(run(names, Options(quick=given.quick, full=given.full), table))
    table.summary(time.monotonic() - started)
    write(table.rows)
    if whole:
        finish(table, record=given.record)


def finish(table: Table, *, record: bool) -> None:
    """Compare a whole run with the last release, record it where asked for, and draw it."""
    found = history.entry(table.rows, version=history.release())
    if known := history.read():
        last = known[-1]
        for line in history.slower(table.rows, last):
            table.note(f"slower than in {last['version']}: {line}")
    if record:
        history.record(found)
    for line in figures.write(table.sections, found, history.read()):
        table.note(line)


if __name__ == "__main__":
    main()
