"""Servers as the tests see them: started by the preloaded process, killed, revived, stopped."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.console.visitor import PASSWORD, Visitor
from tests.services.client import unmeasured
from tests.services.forked import Forked, Preloaded
from tests.services.process import free_port

KEY = "Sc4le-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop"
LINK = re.compile(r"http://\S+/setup/\S+")
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
        got = httpx.get(f"{self.url}/readyz", verify=NO_TLS)
        return got.status_code == OK and got.json() == {"status": "ready"}

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
