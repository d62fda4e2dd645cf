"""`zenith serve` in processes of its own, on real databases."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import _on_postgres
from tests.console.visitor import Visitor
from tests.scale.fleet import Running, begin, launch, wait_until_ready
from tests.scale.load import Tally
from tests.services.forked import Preloaded


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here takes several processes: one test at a time, whatever else runs."""
    for item in items:
        if "tests/scale/" in item.nodeid:
            item.add_marker(pytest.mark.scale)
            item.add_marker(pytest.mark.xdist_group("scale"))


@pytest.fixture
def start(preloaded, tmp_path) -> Iterator[Callable[..., Running]]:
    """`start({"ZENITH_...": ...}, "--host", "::1")`: a server, stopped after the test."""
    running: list[Running] = []

    def run(env: Mapping[str, str] | None = None, *options: str) -> Running:
        home = tmp_path / str(len(running))
        running.append(begin(preloaded, home, env or {}, *options))
        return running[-1]

    yield run
    for server in reversed(running):
        server.stop()


@pytest.fixture(scope="session")
def postgres(services) -> Iterator[Any]:
    """A PostgreSQL server that tests may hurt, and that keeps what it has acknowledged."""
    service = services.start("postgres_durable")
    yield service
    service.stop()


@pytest.fixture(scope="session")
def redis(services) -> Iterator[Any]:
    """A Redis server that tests may hurt."""
    service = services.start("redis")
    yield service
    service.stop()


def new_database(postgres: Any) -> str:
    """An empty database; its URL."""
    name = f"test_{secrets.token_hex(6)}"
    _on_postgres(postgres.url, f"CREATE DATABASE {name} TEMPLATE template0")
    return make_url(postgres.url).set(database=name).render_as_string(hide_password=False)


ALONE = "the shared counters do not answer"


@dataclass(frozen=True)
class Deployment:
    """Servers on one database."""

    servers: list[Running]
    patience: float
    """Seconds after which an end seen by one must be seen by the others."""
    postgres: Any
    redis: Any
    """None: PostgreSQL alone."""
    database: str
    admin: str = "admin@example.org"

    @property
    def a(self) -> Running:
        return self.servers[0]

    @property
    def b(self) -> Running:
        return self.servers[1]

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def approve(self, tally: Tally) -> None:
        """Fail where an answer was wrong, with what the servers' logs say of it."""
        if tally.wrong:
            logs = [server.service.log() for server in self.servers]
            found = [log[log.index("Traceback") :] for log in logs if "Traceback" in log]
            pytest.fail(f"{tally.wrong[0]}\n" + "\n".join(found), pytrace=False)

    def times_alone(self) -> int:
        """How often a process has begun to count alone."""
        return sum(server.service.log().count(ALONE) for server in self.servers)

    def member(self, at: Running | None = None) -> tuple[Visitor, str]:
        """Somebody who has just signed in, at A unless told otherwise."""
        email = f"{secrets.token_hex(6)}@example.org"
        return (at or self.a).visitor().join(email), email


QUICK: Mapping[str, str] = {
    "ZENITH_DATABASE__CONNECT_TIMEOUT": "1",
    "ZENITH_DATABASE__STATEMENT_TIMEOUT": "2",
}
QUICK_REDIS: Mapping[str, str] = {
    "ZENITH_REDIS__CONNECT_TIMEOUT": "0.5",
    "ZENITH_REDIS__COMMAND_TIMEOUT": "0.5",
}


def deploy(
    preloaded: Preloaded, count: int, homes: Any, postgres: Any, redis: Any, redis_url: str | None
) -> Iterator[Deployment]:
    """That many servers, started at once on an empty database."""
    database = new_database(postgres)
    env = {**QUICK, "ZENITH_DATABASE__URL": database}
    if redis_url is not None:
        env |= {**QUICK_REDIS, "ZENITH_REDIS__URL": redis_url}
    servers = [launch(preloaded, homes.mktemp("scale"), env) for _ in range(count)]
    try:
        wait_until_ready(*servers)
        patience = 1.5 if redis is None else 0.5
        deployment = Deployment(servers, patience, postgres, redis, database)
        # The link of who came last took the place of the others'.
        for server in servers:
            visitor = server.visitor()
            if server.link and visitor.get(server.link).is_redirect:
                visitor.set_up(server.link, deployment.admin)
                break
        yield deployment
    finally:
        for server in servers:
            server.service.ask_to_stop()
        for server in servers:
            server.stop()


@pytest.fixture(scope="session", params=["redis", "postgres alone"])
def pair(request, preloaded, postgres, tmp_path_factory) -> Iterator[Deployment]:
    """Two servers on one database, with one Redis and without."""
    service = request.getfixturevalue("redis") if request.param == "redis" else None
    url = None if service is None else service.url
    yield from deploy(preloaded, 2, tmp_path_factory, postgres, service, url)


async def on_database(url: str, statement: str) -> list[Any]:
    """The rows that a statement finds, asked past the servers."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()
