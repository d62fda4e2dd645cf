"""Make `.venv/NAME` from `requirements/NAME.txt`, or leave it alone when it is up to date.

Runs under whatever Python the machine has, so that an old one can be refused in one line: nothing
outside functions may need more than Python 3.6. The environment is stamped with a digest of all
that it was made from. The stamp is written last: an interrupted run is made anew.
"""

import hashlib
import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path

LOWEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
BARE = ("lock",)


def fail(message: str) -> None:
    """Say one line and stop."""
    sys.stderr.write(message + "\n")
    raise SystemExit(1)


def digest(name: str) -> str:
    """What it is made from: the pins, the project's metadata, this Python, this place."""
    import tomllib  # noqa: PLC0415  absent from a Python that is to be refused

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    made_from = [
        (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8"),
        json.dumps([project["build-system"], project["project"]], sort_keys=True),
        sys.version,
        sys.prefix,
        str(ROOT),
    ]
    return hashlib.sha256("\0".join(made_from).encode()).hexdigest()


def make(name: str, folder: Path) -> None:
    """Build the environment from nothing."""
    # Debian ships Python without them.
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        fail(
            "Python's venv and pip are missing: install them, for example with "
            "'apt-get install python3-venv', or name another Python: make PYTHON=..."
        )
    print(f"Preparing .venv/{name} (the first time takes a minute) ...", flush=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    pins = str(ROOT / "requirements" / f"{name}.txt")
    steps = [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, "install", "--quiet", "--require-hashes", "-r", pins],
    ]
    if name not in BARE:
        editable = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        steps.append([*pip, "install", "--quiet", *editable])
    for step in steps:
        if subprocess.call(step) != 0:
            fail(f"Could not prepare .venv/{name}; this failed: {shlex.join(step)}")


def main(name: str) -> None:
    """Refuse what cannot work, then make the environment unless its stamp says it is there."""
    if sys.version_info < LOWEST:
        fail(
            "Zenith needs Python 3.11 or later, this is {}.{}: install one, for example with "
            "'apt-get install python3.11 python3.11-venv', or name it: make PYTHON=...".format(
                *sys.version_info[:2]
            )
        )
    import fcntl  # noqa: PLC0415  absent from a system that is to be refused

    folder = ROOT / ".venv" / name
    stamp = folder / "stamp"
    wanted = digest(name)
    folder.parent.mkdir(exist_ok=True)
    with Path(f"{folder}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        make(name, folder)
        stamp.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
