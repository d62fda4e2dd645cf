"""`python -m tests.cli.rewrapped_and_killed FOLDER`: replaces the key-encryption key again and
again, killed (-9) before each step that it does on the disk, and goes on after each kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from zenith.cli import keys
from zenith.cli.application import application
from zenith.encryption import FileKeyProvider, KeyFile
from zenith.kernel.errors import ConfigurationError

MOST_STEPS = 40
IMPORTED = keys
"""Once, and not by each child."""
SETTING = "ZENITH_ENCRYPTION__KEY_FILE"


def forked(arguments, step=0):
    """Run the command in a child, killed before the step with this number; whether it was."""
    child = os.fork()
    if not child:
        try:
            kill_before(step)
            application(arguments)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def kill_before(step):
    left = step or -1

    def before(work):
        def stepped(*arguments, **given):
            nonlocal left
            # What is elsewhere is read only.
            left -= isinstance(arguments[0], int) or str(arguments[0]).startswith(sys.argv[1])
            if left == 0:
                left = -1
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*arguments, **given)

        return stepped

    os.open, os.fsync, os.link = before(os.open), before(os.fsync), before(os.link)
    Path.replace, Path.unlink = before(Path.replace), before(Path.unlink)


def opening(path, providers):
    """The keys that encrypt, as each of those opens them who can."""
    found = []
    for provider in providers:
        try:
            keys = asyncio.run(KeyFile(path, provider).read())
        except ConfigurationError:
            continue
        found.append(keys.values.active.id.hex())
    return found


def main():
    folder = Path(sys.argv[1])
    os.environ["ZENITH_HOME"] = str(folder)
    path, former = folder / "encryption.json", folder / "0.key"
    forked(["keys", "generate", "--key-file", str(former)])
    (key,) = opening(path, [FileKeyProvider(former)])
    kills = 0
    for step in range(1, MOST_STEPS):
        os.environ[SETTING] = str(former)
        fresh = folder / f"{step}.key"
        command = ["keys", "rewrap", "--key-file", str(fresh)]
        was_killed = forked(command, step)
        kills += was_killed
        between = opening(path, [FileKeyProvider(former), FileKeyProvider(fresh)])
        forked(command)
        after = opening(path, [FileKeyProvider(former), FileKeyProvider(fresh)])
        if [between, after] != [[key]] * 2 or list(folder.glob("*.draft")):
            raise SystemExit(f"step {step}: {between} {after} {key}")
        former = fresh
        if not was_killed:
            break
    print(json.dumps({"kills": kills, "came_to_the_end": not was_killed}))  # noqa: T201


if __name__ == "__main__":
    main()
