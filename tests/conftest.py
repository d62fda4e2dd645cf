"""Fixtures that give real servers, a real browser, and applications in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

import asyncpg
import hypothesis
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from redis import Redis, RedisCluster
from sqlalchemy.engine import make_url

from tests import start
from tests.measure import Plugin
from tests.services import Service, ServiceSet, find
from tests.services.forked import Forked, Preloaded, serve_application
from tests.services.process import free_port as find_free_port
from zenith.stores.sql import Database, upgrade

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LONGEST_NAME = 40

Serve: TypeAlias = Callable[..., Forked]


# A slow machine is no failure, and a run of CI says the same thing twice.
hypothesis.settings.register_profile(
    "zenith",
    deadline=None,
    max_examples=40,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("zenith")


def pytest_configure(config: pytest.Config) -> None:
    """What makes ten thousand tests a matter of minutes."""
    config.pluginmanager.register(Plugin())
    start.keep_routers()
    start.keep_signatures()
    start.keep_answers()
    start.keep_commands()
    start.keep_schema()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the browser share one event loop, as the browser does; those that wait come first.

    What waits for other processes leaves its core to the other worker, and none is left alone with
    a long one at the end.
    """
    items.sort(key=lambda item: item.get_closest_marker("scale") is None)
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value is named by its place: names are sent between workers, who must agree on them.

    Long values may be kilobytes, and some, like a sealed text, differ from process to process.
    """
    return argname if isinstance(val, str | bytes) and len(repr(val)) > LONGEST_NAME else None


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """No setting of the developer's shell reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            if name.startswith("ZENITH_") and not name.startswith("ZENITH_TEST_"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def services() -> Iterator[ServiceSet]:
    """The servers of this run: the launcher's, or started on demand."""
    with ServiceSet() as running:
        yield running


@pytest.fixture
def private_service(services: ServiceSet) -> Iterator[Callable[[str], Service]]:
    """`private_service("redis")`: a server of the test's own, to pause, kill and revive.

    Names: postgres, redis, redis_cluster, redis_sentinel, redis_tls.
    """
    started: list[Service] = []

    def start(name: str) -> Service:
        started.append(services.start(name))
        return started[-1]

    yield start
    for service in started:
        service.stop()


# PostgreSQL --------------------------------------------------------------------------------------


def _on_postgres(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await cast("Any", asyncpg).connect(url.replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _wait_for(execute())


def _wait_for(work: Coroutine[Any, Any, None]) -> None:
    # A loop of its own, never made the thread's: the tests' loops are pytest-asyncio's business.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


@contextlib.contextmanager
def _copied(server: str, template: str) -> Generator[str]:
    """The URL of a database that is made as a copy of another, and dropped."""
    name = f"test_{secrets.token_hex(6)}"
    _on_postgres(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    _on_postgres(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _upgrade(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)


@pytest.fixture
def postgres_url(services: ServiceSet) -> Iterator[str]:
    """A fresh, empty database; `postgresql+asyncpg://...`. Dropped after the test."""
    with _copied(services.shared("postgres")["url"], "template0") as url:
        yield url


@pytest.fixture(scope="session")
def _postgres_template(services: ServiceSet) -> Iterator[str]:
    """The name of a database with the schema, which nobody uses but to copy it."""
    with _copied(services.shared("postgres")["url"], "template0") as url:
        _wait_for(_upgrade(url))
        yield str(make_url(url).database)


@pytest.fixture
def upgraded_postgres_url(services: ServiceSet, _postgres_template: str) -> Iterator[str]:
    """As `postgres_url`, with the newest schema: a tenth of what all its changes take."""
    with _copied(services.shared("postgres")["url"], _postgres_template) as url:
        yield url


# SQLite ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with the schema."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _wait_for(_upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def upgraded_sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A file of the test's own with the newest schema."""
    path = tmp_path / "upgraded.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def upgraded_url(request: pytest.FixtureRequest) -> str:
    """A database with the newest schema and nothing in it, in turn."""
    place = "postgres" if request.param == "postgresql" else "sqlite"
    url: str = request.getfixturevalue(f"upgraded_{place}_url")
    return url


# Redis -------------------------------------------------------------------------------------------


@pytest.fixture
def redis_url(services: ServiceSet) -> str:
    """The one Redis server, empty."""
    url = services.shared("redis")["url"]
    with cast("Any", Redis).from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def redis_tls(services: ServiceSet) -> Mapping[str, str]:
    """`url` (`rediss://`) of an empty server behind TLS, and `ca_file`, which signs for it."""
    shared = services.shared("redis_tls")
    with cast("Any", Redis).from_url(shared["url"], ssl_ca_certs=shared["ca_file"]) as client:
        client.flushall()
    return shared


@pytest.fixture
def redis_cluster_url(services: ServiceSet) -> str:
    """An empty cluster of three masters; the URL names one node."""
    url = services.shared("redis_cluster")["url"]
    with cast("Any", RedisCluster).from_url(url) as client:
        client.flushall(target_nodes="primaries")
    return url


@pytest.fixture
def redis_sentinel(services: ServiceSet) -> Mapping[str, str]:
    """A Sentinel: its `address` (host:port), the master's `name` and `password`; `url` has all.

    Shared and not emptied: use keys of your own. To make it fail over, take a `private_service`.
    """
    return services.shared("redis_sentinel")


# Applications ------------------------------------------------------------------------------------


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Finds a free port."""
    return find_free_port


@pytest.fixture(scope="session")
def preloaded() -> Iterator[Preloaded]:
    """What forks servers: it has imported all that they import."""
    process = Preloaded()
    yield process
    process.close()


@pytest.fixture
def serve(preloaded: Preloaded, tmp_path: Path) -> Iterator[Serve]:
    """Runs an application in a process of its own and waits until it listens.

    `serve("package.module:app", "--workers", "2", env={...})` starts uvicorn.
    The service has `url`, `log()`, `signal()`, `kill()`, `revive()`, `stop()`.
    """
    started: list[Forked] = []

    def start(
        app: str,
        *options: str,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        port: int | None = None,
    ) -> Forked:
        started.append(
            serve_application(
                preloaded,
                app,
                *options,
                port=port or find_free_port(),
                env=env or {},
                log=tmp_path / f"served-{len(started)}.log",
                cwd=cwd,
            )
        )
        return started[-1]

    yield start
    for service in reversed(started):
        service.stop()


# Browser -----------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, headless, one for all tests; they share one event loop."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=find.need("Chromium"), args=CHROMIUM_ARGUMENTS
        )
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A profile of its own: no cookies, no storage, no cache. Trusts any certificate."""
    fresh = await browser.new_context(ignore_https_errors=True)
    yield fresh
    await fresh.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    """A page of a fresh profile."""
    return await context.new_page()


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Accessibility checks: `results = await axe.run(page)`, then `results.violations_count`."""
    return Axe()
