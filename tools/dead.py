"""Dead code: functions, classes, methods and imports that nothing uses, not even a test.

Tests are searched for uses only: much of a fake is called by what it stands for.

Fields, members of enumerations and arguments of Protocols are left to the eye: a tool cannot tell
that a framework reads them. Names that are used from outside stand in `[tool.vulture]`.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("src", "tests", "tools", "examples", "benchmarks", "docs")
KINDS = frozenset({"class", "function", "import", "method", "property", "unreachable_code"})


def main() -> int:
    """Print what is dead."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    allowed = pyproject["tool"]["vulture"]
    found = Vulture(
        ignore_names=allowed["ignore_names"], ignore_decorators=allowed["ignore_decorators"]
    )
    found.scavenge([str(ROOT / place) for place in PLACES if (ROOT / place).exists()])
    dead = [
        f"{item.filename.relative_to(ROOT)}:{item.first_lineno}: {item.message}"
        for item in found.get_unused_code(min_confidence=60)
        if item.typ in KINDS and not item.filename.is_relative_to(ROOT / "tests")
    ]
    print("\n".join(dead))
    return int(bool(dead))


if __name__ == "__main__":
    sys.exit(main())
