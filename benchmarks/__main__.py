"""`python -m benchmarks`: measure, print, write. Timings never fail: the exit code is 0."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import time

from benchmarks.options import Options
from benchmarks.report import Table, write

SECTIONS = (
    "in_process",
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
    "audit",
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
    parser.add_argument("--quick", action="store_true", help="less than half a minute")
    parser.add_argument("--full", action="store_true", help="a million keys, too")
    parser.add_argument("--record", action="store_true", help="add a line to history.jsonl")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    given = parser.parse_args()
    table = Table()
    started = time.monotonic()
    table.head()
    asyncio.run(run(tuple(given.only), Options(quick=given.quick, full=given.full), table))
    table.summary(time.monotonic() - started)
    write(table.rows, record=given.record)


if __name__ == "__main__":
    main()
