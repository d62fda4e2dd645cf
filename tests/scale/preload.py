"""A process that has imported everything, and forks servers: what takes long is done once.

It reads requests, one JSON object a line: `{"argv": ["zenith", ...], "env": {...}, "log": path,
"cwd": path, "bare": false}`, and answers each with the id of the process that is now this command,
`zenith` or `uvicorn`. When its input ends, it ends them all and itself. What runs is the command's
own code, from its settings to its last log line; only what `zenith serve` serves has the routes of
`application` beside its own, unless it is to be bare.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import signal
import sys
import tempfile
import threading
from typing import Any
from unittest import mock

from uvicorn import main as run_uvicorn

from tests.scale.application import create_server
from tests.scale.fleet import EASY
from zenith.assembly import Assembly
from zenith.cli import main as run_command
from zenith.cli.context import run
from zenith.settings import Settings

LAZY = (
    *("asyncpg", "aiosqlite", "redis.asyncio", "uvicorn", "uvicorn.lifespan.on"),
    *("sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.dialects.sqlite.aiosqlite"),
    *("zenith.stores.redis", "zenith.stores.redis.topologies", "zenith.stores.sql.migrate"),
)
PR_SET_PDEATHSIG = 1


def become(*, argv: list[str], env: dict[str, str], log: str, cwd: str, bare: bool) -> None:
    """In the new process: be the command. Never returns."""
    os.setsid()
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number, of in ((0, nothing), (1, output), (2, output)):
        os.dup2(of, number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = argv
    if argv[0] == "uvicorn":
        run_uvicorn()
    if not bare:
        serve: Any = importlib.import_module("zenith.cli.serve")
        serve.create_server = create_server
    run_command()
    sys.exit(0)


def reap(_number: int, _frame: object) -> None:
    """Let go of those that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def warm_up() -> None:
    """Start and stop an application, so that what it reads and builds on the way is there."""
    with tempfile.TemporaryDirectory() as home:
        with mock.patch.dict(os.environ, {**EASY, "ZENITH_HOME": home}):
            settings = Settings.from_env()
        create_server(settings)
        run(_nothing, settings=settings)
    if threading.active_count() > 1:
        raise RuntimeError("what is forked now may wait for ever for a lock of another thread")


async def _nothing(assembly: Assembly) -> None:
    del assembly


def main() -> None:
    """Fork until the input ends."""
    for name in LAZY:
        importlib.import_module(name)
    if importlib.util.find_spec("zenith.server"):
        server = importlib.import_module("zenith.server")
        for found in pkgutil.iter_modules(server.__path__, "zenith.server."):
            importlib.import_module(found.name)
    warm_up()
    signal.signal(signal.SIGCHLD, reap)
    gc.freeze()
    children: list[int] = []
    while line := sys.stdin.readline():
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            become(**request)
        children.append(child)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
