"""Servers that a preloaded process forks: it has imported all that they import."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.client import ROOT, unmeasured
from tests.services.process import accepts

STOP_TIMEOUT = 15.0


class Preloaded:
    """The process that forks servers; it ends with the pipe to it, and they with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scale.preload"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=unmeasured(),
            cwd=ROOT,
            start_new_session=True,
        )

    def fork(self, *, env: Mapping[str, str], **request: Any) -> int:
        """Run a command as `tests.scale.preload` says; the id of its process."""
        pipes = self._process.stdin, self._process.stdout
        if pipes[0] is None or pipes[1] is None:
            raise RuntimeError("the preloaded process has no pipes")
        pipes[0].write(json.dumps({"env": dict(env), **request}) + "\n")
        pipes[0].flush()
        return int(pipes[1].readline())

    def close(self) -> None:
        """End it and all that it forked."""
        with self._process:
            if self._process.stdin is not None:
                self._process.stdin.close()


@dataclass
class Forked:
    """One server process; as a `Service`, but a child of the preloaded process."""

    preloaded: Preloaded
    argv: list[str]
    env: Mapping[str, str]
    path: Path
    cwd: Path = ROOT
    bare: bool = False
    url: str = ""
    pid: int = 0

    def __post_init__(self) -> None:
        self.revive()

    def revive(self) -> None:
        """Start it, again, with the same settings and on the same port."""
        self.pid = self.preloaded.fork(
            argv=self.argv, env=self.env, log=str(self.path), cwd=str(self.cwd), bare=self.bare
        )

    def log(self) -> str:
        """What it has printed so far."""
        return self.path.read_text(encoding="utf-8", errors="replace")

    def runs(self) -> bool:
        """Whether the process is there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def signal(self, number: int) -> None:
        """Send any signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        deadline = time.monotonic() + STOP_TIMEOUT
        while self.runs():
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.02)

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing answers."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """End it politely, without waiting for it."""
        with contextlib.suppress(ProcessLookupError):
            self.resume()
            self.signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it politely, then not; a second time does nothing."""
        self.ask_to_stop()
        with contextlib.suppress(ProcessLookupError):
            deadline = time.monotonic() + STOP_TIMEOUT
            while self.runs() and time.monotonic() < deadline:
                time.sleep(0.01)
            self.kill()


def serve_application(
    preloaded: Preloaded,
    app: str,
    *options: str,
    port: int,
    env: Mapping[str, str],
    log: Path,
    cwd: Path = ROOT,
) -> Forked:
    """uvicorn with an application, once it listens."""
    argv = ["uvicorn", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    given = {**unmeasured(), "PORT": str(port), "PYTHONUNBUFFERED": "1", **env}
    service = Forked(
        preloaded, [*argv, app, *options], given, log, cwd, url=f"http://127.0.0.1:{port}"
    )
    wait_while_it_runs(service, lambda: accepts(port))
    return service


def wait_while_it_runs(service: Forked, check: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it holds; a server that ends first is an error with what it printed."""
    deadline = time.monotonic() + seconds
    while not check():
        if not service.runs() or time.monotonic() > deadline:
            raise RuntimeError(service.log())
        time.sleep(0.02)
