"""Pin every requirement, with the hashes of all its files, from `requirements/*.in`.

One resolution serves Python 3.11 and later on every platform (markers where they differ). No index
address is written. `COOLDOWN="7 days"` leaves out releases younger than that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make requirements` from {source}. Do not edit.\n"
BARE = {"lock"}


def lock(name: str) -> None:
    """Resolve one file; `uv` is the one of the environment that runs this."""
    target = Path("requirements", f"{name}.txt")
    source = Path("requirements", f"{name}.in")
    project = [] if name in BARE else ["pyproject.toml", "--all-extras"]
    command = [
        *(str(Path(sys.executable).parent / "uv"), "pip", "compile", *project, str(source)),
        *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"),
        *("--no-emit-index-url", "--quiet", "--upgrade", "--output-file", str(target)),
    ]
    if cooldown := os.environ.get("COOLDOWN"):
        command += ["--exclude-newer", cooldown]
    subprocess.run(command, cwd=ROOT, check=True)
    made_from = source.name if name in BARE else f"pyproject.toml and {source.name}"
    pins = (ROOT / target).read_text(encoding="utf-8")
    (ROOT / target).write_text(HEADER.format(source=made_from) + pins, encoding="utf-8")


def main() -> None:
    """Pin every file of the folder."""
    for source in sorted((ROOT / "requirements").glob("*.in")):
        print(f"requirements/{source.stem}.txt", flush=True)
        lock(source.stem)


if __name__ == "__main__":
    main()
