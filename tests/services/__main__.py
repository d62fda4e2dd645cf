"""`python -m tests.services COMMAND ...`: run a command among real servers, then stop them all."""

from __future__ import annotations

import sys

from tests.services.launcher import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
