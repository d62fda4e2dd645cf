"""`make test`: every test with warnings as errors, then the coverage bars.

With arguments (`make test ARGS="tests/kernel -x"`) pytest runs just those, and no bar is held.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from tests.services import launcher

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "src/zenith/"
WORKERS = "2"
FULL = 100.0
USUAL = 95.0
BARS: Mapping[str, float] = dict.fromkeys(
    (
        "kernel",
        "pipeline",
        "authentication",
        "authorization",
        "tokens",
        "sessions",
        "csrf",
        "encryption",
        "policies",
        "rbac",
        "rate_limits",
    ),
    FULL,
)
MEMORY = Path("/dev", "shm")
ROOM = 2 * 1024**3
FOLDERS = "PYTEST_DEBUG_TEMPROOT"


@contextlib.contextmanager
def folders_in_memory() -> Generator[None]:
    """The folders of the tests are in memory, where there is enough, and gone in the end: SQLite
    waits for the disk with each of ten thousand changes, a third of the time of many a test.
    """
    if FOLDERS in os.environ or not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="zenith-") as folder:
        os.environ[FOLDERS] = folder
        try:
            yield
        finally:
            del os.environ[FOLDERS]


def part_of(path: str) -> str:
    """The capability, or the single module, that a source file belongs to."""
    return path.replace("\\", "/").split(PACKAGE, 1)[-1].split("/")[0].removesuffix(".py")


def shares(files: Mapping[str, Any]) -> dict[str, float]:
    """The share, in percent, of lines and branches that ran, for each part."""
    ran: defaultdict[str, int] = defaultdict(int)
    total: defaultdict[str, int] = defaultdict(int)
    for path, file in files.items():
        part, summary = part_of(path), file["summary"]
        ran[part] += summary["covered_lines"] + summary["covered_branches"]
        total[part] += summary["num_statements"] + summary["num_branches"]
    return {part: 100 * ran[part] / total[part] if total[part] else FULL for part in total}


def below(files: Mapping[str, Any]) -> list[str]:
    """One line for each part under its bar, then one for each of its files with gaps."""
    lines: list[str] = []
    for part, share in sorted(shares(files).items()):
        bar = BARS.get(part, USUAL)
        if share >= bar:
            continue
        lines.append(f"{part}: {share:.2f} % of lines and branches, the bar is {bar:.0f} %")
        for path, file in sorted(files.items()):
            gaps = [*map(str, file["missing_lines"]), *map(_arrow, file["missing_branches"])]
            if part_of(path) == part and gaps:
                lines.append(f"    {path}: {', '.join(gaps)}")
    return lines


def _arrow(branch: list[int]) -> str:
    return "->".join("exit" if line < 0 else str(line) for line in branch)


def main(arguments: list[str]) -> int:
    """Run pytest among the servers; hold the bars if everything ran and passed."""
    os.chdir(ROOT)
    # A hundred servers are started; without its own bytecode each would compile every file.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    pytest = [sys.executable, "-m", "pytest"]
    if arguments:
        return launcher.main([*pytest, *arguments])
    everything = ["-q", "-n", WORKERS, "--dist", "worksteal", "--cov", "--cov-report="]
    with folders_in_memory():
        status = launcher.main([*pytest, *everything, "--durations=10"])
    if status:
        return status
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        coverage = [sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)]
        subprocess.run(coverage, check=True)
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    gaps = below(files)
    print("\n".join(gaps or ["coverage: every part is above its bar"]))
    return int(bool(gaps))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
