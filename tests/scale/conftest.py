"""`zenith serve` in processes of its own, on real databases."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import _on_postgres
from tests.console.visitor import PASSWORD, Visitor
from tests.services.process import free_port as find_free_port

SERVE = (sys.executable, "-c", "from zenith.cli import main; main()", "serve")
KEY = "Sc4le-k3y-f0r-th3-t3sts-0nly-abcdefghijklmnop"
LINK = re.compile(r"http://\S+/setup/\S+")
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here takes several processes: one test at a time, whatever else runs."""
    for item in items:
        if "tests/scale/" in item.nodeid:
            item.add_marker(pytest.mark.scale)
            item.add_marker(pytest.mark.xdist_group("scale"))


@dataclass(frozen=True)
class Running:
    """One server process."""

    service: Any
    url: str
    clients: list[httpx.Client] = field(default_factory=list)

    def visitor(self) -> Visitor:
        return Visitor(self.program())

    def program(self, **headers: str) -> httpx.Client:
        self.clients.append(httpx.Client(base_url=self.url, headers=headers, timeout=30))
        return self.clients[-1]

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.service.stop()

    @property
    def link(self) -> str:
        found = LINK.findall(self.service.log())
        return found[0] if found else ""


def begin(services: Any, home: Any, env: Mapping[str, str], *options: str) -> Running:
    """Start a server and wait until it answers."""
    port = find_free_port()
    given = {"PORT": str(port), "ZENITH_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    service = services.command([*SERVE, *options], port=port, env={**given, **EASY, **env})
    url = f"http://localhost:{port}"
    with httpx.Client(base_url=url) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200, 60)
    return Running(service, url)


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


@pytest.fixture
def start(services, tmp_path) -> Iterator[Callable[..., Running]]:
    """`start({"ZENITH_...": ...}, "--workers", "2")`: a server, stopped after the test."""
    running: list[Running] = []

    def run(env: Mapping[str, str] | None = None, *options: str) -> Running:
        home = tmp_path / str(len(running))
        running.append(begin(services, home, env or {}, *options))
        return running[-1]

    yield run
    for server in reversed(running):
        server.stop()


@pytest.fixture(scope="module")
def database(services) -> Iterator[str]:
    """A PostgreSQL database for a whole module."""
    server = services.shared("postgres")["url"]
    name = f"test_{secrets.token_hex(6)}"
    _on_postgres(server, f"CREATE DATABASE {name} TEMPLATE template0")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _on_postgres(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module", params=["redis", "postgres alone"])
def pair(request, services, database, tmp_path_factory) -> Iterator[Any]:
    """Two servers on one database, with Redis and without; `.patience` in seconds, `.admin`."""
    env = {"ZENITH_DATABASE__URL": database}
    if request.param == "redis":
        env["ZENITH_REDIS__URL"] = services.shared("redis")["url"]
    homes = [tmp_path_factory.mktemp("scale") for _ in range(2)]
    a = begin(services, homes[0], env)
    b = begin(services, homes[1], env)
    email = "admin@example.org"
    if b.link:  # the second server's link took the place of the first one's
        b.visitor().set_up(b.link, email)
    yield Pair(a, b, 0.2 if request.param == "redis" else 1.5, email)
    for server in (a, b):
        server.stop()


@dataclass(frozen=True)
class Pair:
    """Two servers."""

    a: Running
    b: Running
    patience: float
    """Seconds after which an end seen by one must be seen by the other."""
    admin: str

    def member(self, at: Running | None = None) -> tuple[Visitor, str]:
        """Somebody who has just signed in at A."""
        email = f"{secrets.token_hex(6)}@example.org"
        return (at or self.a).visitor().join(email), email


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
