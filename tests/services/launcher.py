"""Runs a command among real servers; both end together, whatever happens to either."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.services import find
from tests.services.client import SHARED, ServiceSet, variable
from tests.services.errors import ServiceError
from tests.services.process import die_with_parent, end_with_parent

GRACE = 15.0


def export(services: ServiceSet) -> dict[str, str]:
    """Start every shared service; the environment that names them."""
    env = dict(os.environ)
    for name, keys in SHARED.items():
        values = services.start(name).values
        env |= {variable(name, key): values[key] for key in keys}
    env["ZENITH_TEST_CHROMIUM"] = str(find.need("Chromium"))
    return env


def run(command: Sequence[str], env: dict[str, str]) -> int:
    """Run the command; pass on a request to end, and see that it is followed."""
    before = die_with_parent(signal.SIGTERM)
    child = subprocess.Popen(command, env=env, preexec_fn=before)  # noqa: PLW1509  no threads here
    deadline: list[float] = []

    def end(number: int, _frame: object) -> None:
        deadline.append(time.monotonic() + GRACE)
        # A terminal's Ctrl-C reaches the child by itself.
        if number != signal.SIGINT or len(deadline) > 1:
            child.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    while True:
        try:
            return child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if deadline and time.monotonic() > deadline[0]:
                child.kill()


def main(command: Sequence[str]) -> int:
    """Start, run, stop."""
    end_with_parent()
    try:
        find.install_missing()
        with ServiceSet() as services:
            started = time.monotonic()
            env = export(services)
            print(f"Servers ready in {time.monotonic() - started:.1f} s", flush=True)
            return run(command, env)
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
