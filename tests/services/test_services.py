"""The servers of the tests start, are isolated, can be hurt, and never outlive their user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page
from redis import Redis, RedisCluster
from redis.exceptions import RedisError
from redis.sentinel import Sentinel

from tests.conftest import Serve
from tests.services import Service, ServiceError, ServiceSet
from tests.services.client import ROOT
from tests.services.process import free_port

GREETER = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<html lang=en><title>Hello</title>"
                    b"<main><h1>Hello</h1></main>"})
"""


def dsn(url: str) -> str:
    return url.replace("+asyncpg", "")


async def fill(url: str) -> int:
    connection = await asyncpg.connect(dsn(url))
    try:
        await connection.execute("CREATE TABLE kept (n int)")
        return int(
            await connection.fetchval("SELECT count(*) FROM pg_tables WHERE tablename='kept'")
        )
    finally:
        await connection.close()


@pytest.mark.parametrize("run", [1, 2])
async def test_each_test_has_a_postgres_database_of_its_own(postgres_url: str, run: int) -> None:
    assert await fill(postgres_url) == 1


@pytest.mark.parametrize("run", [1, 2])
def test_each_test_has_an_empty_redis_database(redis_url: str, run: int) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("kept", run)


@pytest.mark.parametrize("run", [1, 2])
def test_each_test_has_an_empty_cluster(redis_cluster_url: str, run: int) -> None:
    with RedisCluster.from_url(redis_cluster_url) as client:
        for number in range(30):
            assert client.set(f"kept{number}", run, nx=True)
        assert len(client.get_primaries()) == 3


def test_redis_speaks_tls_with_a_certificate_to_verify(redis_tls: Mapping[str, str]) -> None:
    with Redis.from_url(redis_tls["url"], ssl_ca_certs=redis_tls["ca_file"]) as client:
        assert client.ping()
    with Redis.from_url(redis_tls["url"]) as client, pytest.raises(RedisError):
        client.ping()


def test_a_sentinel_names_the_master(redis_sentinel: Mapping[str, str]) -> None:
    host, port = redis_sentinel["address"].split(":")
    sentinel = cast("Any", Sentinel)([(host, int(port))])
    name, password = redis_sentinel["name"], redis_sentinel["password"]
    with sentinel.master_for(name, password=password) as client:
        assert client.ping()
    for each in sentinel.sentinels:
        each.close()


def test_a_private_server_is_killed_and_revived(
    private_service: Callable[[str], Service],
) -> None:
    server = private_service("redis")
    with Redis.from_url(server.url) as client:
        assert client.ping()
    server.kill()
    with Redis.from_url(server.url) as client, pytest.raises(RedisError):
        client.ping()
    server.revive()
    with Redis.from_url(server.url) as client:
        assert client.ping()


def test_a_private_server_is_frozen_and_goes_on(private_service: Callable[[str], Service]) -> None:
    server = private_service("redis")
    server.pause()
    with Redis.from_url(server.url, socket_timeout=0.1) as client, pytest.raises(RedisError):
        client.ping()
    server.resume()
    with Redis.from_url(server.url) as client:
        assert client.ping()


def test_an_application_is_served_and_stopped(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "greeter.py").write_text(GREETER)
    service = serve("greeter:app", cwd=tmp_path)
    assert "Hello" in httpx.get(service.url).text
    service.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url)


def test_a_command_that_fails_says_what_it_printed(services: ServiceSet) -> None:
    with pytest.raises(ServiceError, match="told you so"):
        services.command([sys.executable, "-c", "print('told you so'); exit(3)"], port=free_port())


def test_an_application_that_fails_says_what_it_printed(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("print('told you so'); raise SystemExit(3)")
    with pytest.raises(RuntimeError, match="told you so"):
        serve("failing:app", cwd=tmp_path)


async def test_the_browser_opens_a_page_that_axe_checks(
    serve: Serve, page: Page, axe: Axe, tmp_path: Path
) -> None:
    (tmp_path / "greeter.py").write_text(GREETER)
    service = serve("greeter:app", cwd=tmp_path)
    await page.goto(service.url)
    assert await page.title() == "Hello"
    assert cast("Any", await axe.run(page)).violations_count == 0


USER = """
import signal, sys, time
from tests.services import ServiceSet
signal.signal(signal.SIGINT, signal.default_int_handler)
services = ServiceSet()
services.start("redis")
services.start("postgres")
values = services.start("redis").values
print(values["url"], values["folder"], services._keeper.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_its_user(number: signal.Signals) -> None:
    """A killed run leaves neither processes nor files behind."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(USER)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as user:
        assert user.stdout is not None
        url, folder, keeper = user.stdout.readline().split()
        user.send_signal(number)
    deadline = time.monotonic() + 15
    while _is_alive(int(keeper)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(int(keeper))
    assert not Path(folder).parent.exists()
    with Redis.from_url(url) as client, pytest.raises(RedisError):
        client.ping()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
