"""What no tracked file may hold, and the shape of the changelog's fragments."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.house.code import ROOT

KINDS = ("security", "added", "changed", "deprecated", "removed", "fixed")
FRAGMENT = re.compile(rf"\d+\.({'|'.join(KINDS)})(\.\d+)?\.md")

# Written so that the patterns do not match themselves.
UNWANTED = {
    "the address of a package index": re.compile(
        r"(?i)(--(?:extra-)?index[-]url|py[p]i\.org|pythonhosted[.]org|registry[.]npmjs)"
    ),
    "a path of one machine": re.compile(
        r"(?<![\w.$}/-])(?:/(?:home|Users|work|farm)/[a-z._-]|/root/\.)|/tmp/(?:bash_job[s]|brief)"
    ),
    "an unfinished mark": re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]\b)"),
}
VENDORED = ("src/zenith/api_docs/assets/",)  # kept as their makers ship them
FREE = frozenset({".svg", ".png", ".ico", ".woff2", ".gz", ".bin"})


def unwanted(path: str, text: str) -> Iterator[str]:
    """Index addresses, machine paths and unfinished marks, line by line."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in UNWANTED.items():
            if found := pattern.search(line):
                yield f"{path}:{number}: holds {what}: {found.group()}"


def fragment(name: str, text: str) -> Iterator[str]:
    """A fragment is named `<issue>.<kind>.md` and made of list items."""
    where = f"changelog.d/{name}:1:"
    if not FRAGMENT.fullmatch(name):
        yield f"{where} is named <issue>.<kind>.md, kind one of {', '.join(KINDS)}"
    lines = text.splitlines()
    if not lines or not all(line.startswith(("- ", "  ")) for line in lines):
        yield f"{where} holds list items only, '- ' and an indent of two for what follows"


def tracked() -> list[str]:
    """The files that the repository holds, or will; outside a repository, all that are there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        paths = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        names = [path.as_posix() for path in paths if not path.parts[0].startswith(".")]
    else:
        names = listed.stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def check() -> list[str]:
    """Every breach of the repository."""
    found: list[str] = []
    for name in tracked():
        if Path(name).suffix not in FREE and not name.startswith(VENDORED):
            text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
            found += unwanted(name, text)
    for path in sorted((ROOT / "changelog.d").iterdir()):
        if path.name != "README.md":
            found += fragment(path.name, path.read_text(encoding="utf-8"))
    return found
