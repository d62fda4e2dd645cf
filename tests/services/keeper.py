"""The process that owns the servers. It reads requests, one JSON object a line, until they end.

    {"do": "start", "service": "redis"}                         -> {"id": 1, "values": {"url": ...}}
    {"do": "command", "argv": [...], "env": {...}, "cwd": ..., "port": 12345}
    {"do": "signal", "id": 1, "number": 9}  {"do": "revive", "id": 1}  {"do": "stop", "id": 1}

It runs in a session of its own, so that Ctrl-C in a terminal does not reach it: closing the pipe,
which even `kill -9` of its user does, is what ends it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.services import postgres, redis
from tests.services.errors import ServiceError
from tests.services.process import Child, Group, accepts

STARTERS: dict[str, Callable[[Group], None]] = {
    "postgres": postgres.start,
    "postgres_durable": postgres.start_durable,
    "redis": redis.start,
    "redis_cluster": redis.start_cluster,
    "redis_failing_cluster": redis.start_failing_cluster,
    "redis_sentinel": redis.start_sentinel,
    "redis_tls": redis.start_tls,
}


class Keeper:
    """All services of one user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._groups: dict[int, Group] = {}
        self._last = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked."""
        match request["do"]:
            case "start":
                return self._start(STARTERS[request["service"]])
            case "command":
                return self._start(lambda group: _command(group, request))
            case "signal":
                self._groups[request["id"]].signal(request["number"], request.get("child"))
            case "revive":
                self._groups[request["id"]].revive()
            case "stop":
                if group := self._groups.pop(request["id"], None):
                    group.stop()
            case other:
                raise ServiceError(f"unknown request {other!r}")
        return {}

    def _start(self, starter: Callable[[Group], None]) -> dict[str, Any]:
        self._last += 1
        folder = self._folder / str(self._last)
        folder.mkdir(mode=0o700)
        group = self._groups[self._last] = Group(folder=folder, values={"folder": str(folder)})
        try:
            starter(group)
        except BaseException:
            self._groups.pop(self._last).stop()
            raise
        return {"id": self._last, "values": group.values}

    def stop(self) -> None:
        """Stop everything, the newest first."""
        while self._groups:
            self._groups.popitem()[1].stop()


def _command(group: Group, request: dict[str, Any]) -> None:
    log = group.folder / "output.log"
    port = request["port"]
    group.is_ready = lambda: port is None or accepts(port)
    group.add(Child(argv=request["argv"], env=request["env"], cwd=request["cwd"], log=log))
    group.values |= {"log": str(log), "url": f"http://127.0.0.1:{port}"}
    group.wait()


def _leave(_number: int, _frame: object) -> None:
    sys.exit(1)


def main() -> None:
    """Answer until the input ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    folder = Path(tempfile.mkdtemp(prefix="zenith-tests-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user, in a folder of its own within
    keeper = Keeper(folder)
    try:
        for line in sys.stdin:
            try:
                reply = keeper.answer(json.loads(line))
            except ServiceError as error:
                reply = {"error": str(error)}
            print(json.dumps(reply), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        keeper.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
