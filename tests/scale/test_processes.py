"""Starting, several workers, stopping: what an operator sees of the process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time

import httpx
import pytest

from tests.console.visitor import PASSWORD
from tests.scale.conftest import EASY, LINK, SERVE, is_in, wait_for


@pytest.fixture
def process(tmp_path, free_port):
    """`zenith serve` as a shell starts it, in a process group of its own."""
    started = []

    def run(*options, **variables):
        port = free_port()
        env = {
            **os.environ,
            **EASY,
            "PORT": str(port),
            "ZENITH_HOME": str(tmp_path),
            **variables,
        }
        child = subprocess.Popen(
            [*SERVE, *options],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(child)
        url = f"http://localhost:{port}"
        with httpx.Client(base_url=url) as client:
            wait_for(lambda: client.get("/healthz").status_code == 200, 60)
        return child, url

    yield run
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_without_a_trace(process, workers):
    child, url = process("--workers", workers)
    # A terminal sends it to the whole group.
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=15)
    assert child.returncode in (0, 130), err
    assert "Traceback" not in out + err
    assert "Aborted" not in err
    assert err == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_what_was_accepted_is_finished(process):
    child, url = process(ZENITH_PASSWORDS__PROFILE="guide", ZENITH_PASSWORDS__WORKERS="1")
    body = {"email": "nobody@example.org", "password": PASSWORD}

    async def whole():
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            await client.get("/healthz")
            running = [asyncio.create_task(client.post("/auth/login", json=body)) for _ in range(5)]
            await asyncio.sleep(0.15)
            child.send_signal(signal.SIGTERM)
            return await asyncio.gather(*running)

    answers = asyncio.run(whole())
    assert [answer.status_code for answer in answers] == [401] * 5
    _, err = child.communicate(timeout=15)
    assert child.returncode in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    assert "Traceback" not in err


def test_workers_are_one_server(start, postgres_url, redis_url):
    env = {"ZENITH_DATABASE__URL": postgres_url, "ZENITH_REDIS__URL": redis_url}
    server = start(env, "--workers", "2")
    log = server.service.log()
    assert len(LINK.findall(log)) == 1
    assert log.count("Zenith is ready") == 1
    admin = server.visitor().set_up(server.link)
    assert admin.get("/admin/accounts").status_code == 200
    # Each connection may reach another worker: all know the session, and its end.
    for _ in range(12):
        fresh = server.visitor()
        fresh.client.cookies.update(admin.client.cookies)
        assert is_in(fresh)
    admin.send("/account/sign-out", form="/account/")
    time.sleep(0.2)
    for _ in range(12):
        fresh = server.visitor()
        fresh.client.cookies.update(admin.client.cookies)
        assert not is_in(fresh)
