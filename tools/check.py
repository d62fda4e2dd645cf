"""`make check`: every rule that needs no server. All are run, whatever the first one says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SPELLED = ("src", "tests", "tools", "docs", "examples", "benchmarks", "changelog.d")
SPELLED_FILES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


def there(*names: str) -> list[str]:
    """Those of the names that exist."""
    return [name for name in names if (ROOT / name).exists()]


STEPS: dict[str, list[str]] = {
    "types (pyright)": [str(BIN / "basedpyright"), "--pythonpath", sys.executable],
    "types (mypy)": [str(BIN / "mypy")],
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "lint": [str(BIN / "ruff"), "check", "."],
    "layers": [str(BIN / "lint-imports")],
    "house rules": [sys.executable, "-m", "tools.house"],
    "spelling": [str(BIN / "codespell"), *there(*SPELLED, *SPELLED_FILES)],
    "dead code": [sys.executable, "-m", "tools.dead"],
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one step said."""

    name: str
    passed: bool
    text: str
    seconds: float


def run(name: str) -> Outcome:
    """Run one step."""
    started = time.monotonic()
    done = subprocess.run(
        STEPS[name],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return Outcome(
        name=name,
        passed=done.returncode == 0,
        text=done.stdout.strip(),
        seconds=time.monotonic() - started,
    )


def main(names: list[str]) -> int:
    """Run the steps, two at a time; print what failed in full."""
    failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in pool.map(run, names or STEPS):
            mark = "ok  " if outcome.passed else "FAIL"
            print(f"{mark}  {outcome.name:<16} {outcome.seconds:5.1f} s", flush=True)
            if not outcome.passed:
                failed += 1
                print(outcome.text, flush=True)
    print(f"check: {len(names or STEPS) - failed} passed, {failed} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
