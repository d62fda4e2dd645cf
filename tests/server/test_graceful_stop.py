"""A process that is told to stop finishes what it has accepted, in bounded time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server.stopping import DRAIN, PATIENCE, PIECES
from tests.services.process import free_port


@pytest.fixture
def process(tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "tests.server.stopping", str(port), str(tmp_path)]
    # What it runs is measured elsewhere: its start would take three times as long.
    env = {name: value for name, value in os.environ.items() if "COVERAGE_PROCESS" not in name}
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    running.url = f"http://localhost:{port}"
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def wait_until_ready(client, process):
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("it does not start")


def test_a_stop_finishes_what_was_accepted(process, tmp_path):
    with httpx.Client(base_url=process.url, timeout=10) as client:
        wait_until_ready(client, process)
        with (
            client.stream("GET", "/stream") as stream,
            client.stream("GET", "/forever") as endless,
            connect(process.url.replace("http", "ws") + "/socket") as socket,
        ):
            assert client.get("/later").text == "later"
            socket.send("hello")
            assert socket.recv() == "hello"
            process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            # First readiness is denied, and all else is served as before.
            while (ready := client.get("/ready")).status_code == 200:
                assert time.monotonic() - told < DRAIN
            assert ready.status_code == 503
            assert client.get("/stream").status_code == 200
            # Then the port is closed, and sockets are told.
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=5)
            assert closed.value.rcvd.code == 1001
            assert time.monotonic() - told >= DRAIN * 0.9
            with pytest.raises(httpx.TransportError):
                httpx.get(process.url + "/stream")
            # What was begun goes on to its end, unless it has none.
            assert stream.read().split() == [str(each).encode() for each in range(PIECES)]
            with pytest.raises(httpx.RemoteProtocolError):
                endless.read()
        assert process.wait(5) in (0, -signal.SIGTERM)
    assert time.monotonic() - told < DRAIN + PATIENCE + 2
    assert (tmp_path / "done").exists()
    assert (tmp_path / "told").exists()
