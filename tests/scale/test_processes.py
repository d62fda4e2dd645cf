"""Starting, several workers, stopping: what an operator sees of the process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.console.visitor import PASSWORD, Visitor
from tests.scale.conftest import new_database
from tests.scale.fleet import EASY, LINK, NO_TLS, is_in, wait_for
from tests.services.client import unmeasured

SERVE = (sys.executable, "-c", "from zenith.cli import main; main()", "serve")


@pytest.fixture
def process(tmp_path, free_port):
    """`zenith serve` as a shell starts it, in a process group of its own."""
    started = []

    def run(*options, **variables):
        port = free_port()
        env = {
            **unmeasured(),
            **EASY,
            "PORT": str(port),
            "ZENITH_HOME": str(tmp_path),
            "PYTHONUNBUFFERED": "1",
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
        with httpx.Client(base_url=url, verify=NO_TLS) as client:
            wait_for(lambda: client.get("/healthz").status_code == 200, 60)
        return child, url

    yield run
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def stop_as_a_terminal_does(child, url) -> str:
    """Ctrl-C goes to the whole group; what was printed until the end."""
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=15)
    assert child.returncode in (0, 130), err
    assert "Traceback" not in out + err
    assert "Aborted" not in err
    assert err == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, verify=NO_TLS)
    return out


def test_ctrl_c_stops_without_a_trace(process):
    assert "Zenith is ready" in stop_as_a_terminal_does(*process("--workers", "1"))


def test_workers_are_one_server_and_stop_without_a_trace(process, postgres, redis):
    variables = {
        "ZENITH_DATABASE__URL": new_database(postgres),
        "ZENITH_REDIS__URL": redis.url,
    }
    child, url = process("--workers", "2", **variables)
    printed = ""
    while not LINK.search(printed):
        printed += child.stdout.readline()
    clients = []

    def visitor():
        clients.append(httpx.Client(base_url=url, timeout=30, verify=NO_TLS))
        return Visitor(clients[-1])

    def everywhere() -> set[bool]:
        """What twelve connections see, each of which may reach another worker."""
        found = set()
        for _ in range(12):
            fresh = visitor()
            fresh.client.cookies.update(admin.client.cookies)
            found.add(is_in(fresh))
        return found

    admin = visitor().set_up(LINK.search(printed).group())
    assert admin.get("/admin/accounts").status_code == 200
    assert everywhere() == {True}
    admin.send("/account/sign-out", form="/account/")
    time.sleep(0.2)
    assert everywhere() == {False}
    for client in clients:
        client.close()
    printed += stop_as_a_terminal_does(child, url)
    assert len(LINK.findall(printed)) == 1
    assert printed.count("Zenith is ready") == 1


def test_what_was_accepted_is_finished(start):
    server = start({"ZENITH_PASSWORDS__PROFILE": "guide", "ZENITH_PASSWORDS__WORKERS": "1"})
    body = {"email": "nobody@example.org", "password": PASSWORD}

    async def whole():
        options = {"timeout": 30, "verify": NO_TLS}
        async with httpx.AsyncClient(base_url=server.url, **options) as client:
            await client.get("/healthz")
            running = [asyncio.create_task(client.post("/auth/login", json=body)) for _ in range(5)]
            await asyncio.sleep(0.15)
            server.service.signal(signal.SIGTERM)
            return await asyncio.gather(*running)

    answers = asyncio.run(whole())
    assert [answer.status_code for answer in answers] == [401] * 5
    wait_for(lambda: not server.service.runs(), 15)
    assert "Traceback" not in server.service.log()
