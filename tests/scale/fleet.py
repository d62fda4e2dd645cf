"""Servers as the tests see them: started by the preloaded process, killed, revived, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.console.visitor import PASSWORD, Visitor
from tests.services.client import ROOT, unmeasured
from tests.services.process import accepts, free_port

KEY = "Sc4le-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop"
LINK = re.compile(r"http://\S+/setup/\S+")
STOP_TIMEOUT = 15.0
OK = 200
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and a client's own context takes longer than its requests."""
EASY: Mapping[str, str] = {
    "ZENITH_SECRET_KEY": KEY,
    "ZENITH_PASSWORDS__PROFILE": "testing",
    "ZENITH_ACCOUNTS__REGISTER_SECONDS": "0",
    "ZENITH_ACCOUNTS__REGISTER_LIMIT": "100000/minute",
    "ZENITH_ACCOUNTS__SIGN_IN_LIMIT": "100000/minute",
    "ZENITH_RATE_LIMITS__PER_ADDRESS": "100000/minute",
    "ZENITH_ABUSE__FREE_ATTEMPTS": "100000",
    "ZENITH_ABUSE__ADDRESS_PROOF_AFTER": "100000",
}


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
        wait_for(lambda: not self.runs(), STOP_TIMEOUT)

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


@dataclass(frozen=True)
class Running:
    """One server."""

    service: Any
    url: str
    clients: list[httpx.Client] = field(default_factory=list)

    def visitor(self) -> Visitor:
        return Visitor(self.program())

    def program(self, **headers: str) -> httpx.Client:
        options = {"headers": headers, "timeout": 30, "verify": NO_TLS}
        self.clients.append(httpx.Client(base_url=self.url, **options))
        return self.clients[-1]

    def is_ready(self) -> bool:
        return httpx.get(f"{self.url}/readyz", verify=NO_TLS).status_code == 200

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.service.stop()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def link(self) -> str:
        found = LINK.findall(self.service.log())
        return found[0] if found else ""


def launch(preloaded: Preloaded, home: Path, env: Mapping[str, str], *options: str) -> Running:
    """Start `zenith serve`; whether it serves is for the caller to find out."""
    port = free_port()
    given = {"PORT": str(port), "ZENITH_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    home.mkdir(parents=True, exist_ok=True)
    service = Forked(
        preloaded,
        ["zenith", "serve", *options],
        {**unmeasured(), **given, **EASY, **env},
        home / "output.log",
    )
    return Running(service, f"http://localhost:{port}")


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
        assert service.runs(), service.log()
        assert time.monotonic() < deadline, service.log()
        time.sleep(0.02)


def begin(preloaded: Preloaded, home: Path, env: Mapping[str, str], *options: str) -> Running:
    """Start a server and wait until it answers."""
    running = launch(preloaded, home, env, *options)
    wait_until_ready(running)
    return running


def wait_until_ready(*servers: Running, seconds: float = 60) -> None:
    """Wait until all serve; one that does not is an error with what it answered and printed."""
    deadline = time.monotonic() + seconds
    for server in servers:
        answer = "no answer"
        while answer != "200":
            assert server.service.runs(), server.service.log()
            assert time.monotonic() < deadline, f"{answer}\n{server.service.log()}"
            try:
                got = httpx.get(f"{server.url}/readyz", verify=NO_TLS)
                answer = f"{got.status_code} {got.text}" if got.status_code != OK else "200"
            except httpx.TransportError as error:
                answer = repr(error)
            if answer != "200":
                time.sleep(0.02)


def wait_for(check: Callable[[], bool], seconds: float) -> float:
    """Wait until it holds; how long that took."""
    started = time.monotonic()
    while True:
        try:
            if check():
                return time.monotonic() - started
        except httpx.TransportError:
            pass
        passed = time.monotonic() - started
        assert passed < seconds, f"not within {seconds:g} s"
        time.sleep(0.02)


def carry(visitor: Visitor, to: Running) -> Visitor:
    """The same browser at the other server."""
    other = to.visitor()
    other.client.cookies.update(visitor.client.cookies)
    return other


def is_in(visitor: Visitor) -> bool:
    """Whether the session opens the account's page."""
    status = visitor.get("/account/", follow_redirects=False).status_code
    assert status in (200, 303), status
    return status == 200


def log_in(server: Running, email: str) -> dict[str, str]:
    """A pair of tokens."""
    answer = server.program().post("/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()


def may_call(server: Running, token: str) -> bool:
    """Whether the access token is accepted."""
    status = server.program(Authorization=f"Bearer {token}").get("/auth/me").status_code
    assert status in (200, 401), status
    return status == 200
