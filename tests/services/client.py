"""The tests' side of the keeper: services by name, started when first asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.services.errors import ServiceError

ROOT = Path(__file__).resolve().parent.parent.parent
PREFIX = "ZENITH_TEST_"
REVIVALS = 5
SHARED: Mapping[str, Sequence[str]] = {
    "postgres": ("url",),
    "redis": ("url",),
    "redis_cluster": ("url",),
    "redis_sentinel": ("url", "address", "name", "password"),
    "redis_tls": ("url", "ca_file"),
}


def unmeasured() -> dict[str, str]:
    """The environment without coverage: measured, a server takes two to three times as long, and it
    reaches nothing that no other test reaches.
    """
    return {key: value for key, value in os.environ.items() if not key.startswith("COV")}


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of one's own, that may be hurt. `values` holds its `url` and the like."""

    keeper: ServiceSet
    id: int
    values: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where it serves."""
        return self.values["url"]

    def log(self) -> str:
        """What a command has printed so far."""
        return Path(self.values["log"]).read_text(encoding="utf-8", errors="replace")

    def pause(self) -> None:
        """Freeze its processes: connections stay open, nothing answers."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let frozen processes go on."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End its processes at once; `revive` starts them again on the same ports."""
        self.signal(signal.SIGKILL)

    def signal(self, number: int, *, child: int | None = None) -> None:
        """Send any signal to its processes, or to the one that was started as number `child`."""
        self.keeper.ask(do="signal", id=self.id, number=int(number), child=child)

    def revive(self) -> None:
        """Start what has ended again, and wait until it serves."""
        for _ in range(REVIVALS):
            try:
                self.keeper.ask(do="revive", id=self.id)
            except ServiceError:
                # A server that was killed may still be letting go of its memory.
                time.sleep(0.5)
            else:
                return
        self.keeper.ask(do="revive", id=self.id)

    def stop(self) -> None:
        """Stop it for good; a second time does nothing."""
        self.keeper.ask(do="stop", id=self.id)


class ServiceSet:
    """The services of one test run. Close it, or let the process end: the servers go with it."""

    def __init__(self) -> None:
        self._keeper: subprocess.Popen[str] | None = None
        self._shared: dict[str, Mapping[str, str]] = {}

    def shared(self, name: str) -> Mapping[str, str]:
        """The service that all tests share: the launcher's, or one's own, started now."""
        if name not in self._shared:
            self._shared[name] = _exported(name) or self.start(name).values
        return self._shared[name]

    def start(self, name: str) -> Service:
        """A service for one test alone."""
        reply = self.ask(do="start", service=name)
        return Service(keeper=self, id=reply["id"], values=reply["values"])

    def command(
        self,
        argv: Sequence[str],
        *,
        port: int | None,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Service:
        """Run a program and, given a port, wait until it listens there; it is not measured."""
        environment = unmeasured() | dict(env or {})
        reply = self.ask(do="command", argv=[*argv], env=environment, cwd=str(cwd), port=port)
        return Service(keeper=self, id=reply["id"], values=reply["values"])

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send the keeper one request and wait for the answer."""
        keeper = self._keeper or self._open()
        if keeper.stdin is None or keeper.stdout is None:
            raise ServiceError("the keeper has no pipes")
        keeper.stdin.write(json.dumps(request) + "\n")
        keeper.stdin.flush()
        line = keeper.stdout.readline()
        if not line:
            raise ServiceError("the keeper of the test services has ended")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ServiceError(reply["error"])
        return reply

    def _open(self) -> subprocess.Popen[str]:
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.services.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=unmeasured(),
            cwd=ROOT,
            start_new_session=True,
        )
        return self._keeper

    def close(self) -> None:
        """Stop everything and wait until it is gone."""
        if self._keeper is not None:
            with self._keeper:
                if self._keeper.stdin is not None:
                    self._keeper.stdin.close()
            self._keeper = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _exported(name: str) -> Mapping[str, str]:
    """The launcher's service. Of several workers only the first takes it, for tests empty it.

    PostgreSQL is for all: there each test has a database of its own.
    """
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0" and name != "postgres":
        return {}
    exported = {key: os.environ.get(variable(name, key)) for key in SHARED[name]}
    return {key: value for key, value in exported.items() if value is not None}


def variable(name: str, key: str) -> str:
    """The environment variable that carries one value of a shared service."""
    return f"{PREFIX}{name}_{key}".upper()
