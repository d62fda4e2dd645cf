"""`python -m tools.house`: print every breach; fail if there is one."""

from __future__ import annotations

import sys

from tools.house import code, names, texts


def main() -> int:
    """Check the whole tree."""
    breaches = [*code.check(), *names.check(), *texts.check()]
    print("\n".join(sorted(breaches)))
    return int(bool(breaches))


if __name__ == "__main__":
    sys.exit(main())
