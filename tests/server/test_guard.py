"""SIGTERM, held back; tests/server/test_graceful_stop.py has a real one."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from zenith.kernel.errors import ServiceUnavailableError
from zenith.server import DrainGuard


class Uvicorn:
    """What stands behind the signal."""

    should_exit = False

    def __init__(self):
        self.told = []

    def handle_exit(self, number, frame):
        self.told.append(number)


@pytest.fixture
def server(monkeypatch):
    """Stands behind SIGTERM, without a real handler being set."""
    found = Uvicorn()
    handlers = {signal.SIGTERM: found.handle_exit}
    monkeypatch.setattr(signal, "getsignal", handlers.get)
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    found.handlers = handlers
    return found


async def test_it_is_told_later(server):
    guard = DrainGuard(0.02)
    await guard.startup()
    guard.require_service()
    server.handlers[signal.SIGTERM](signal.SIGTERM, None)
    with pytest.raises(ServiceUnavailableError):
        guard.require_service()
    assert server.told == []
    await asyncio.sleep(0.04)
    assert server.told == [signal.SIGTERM]
    await guard.shutdown()
    assert server.handlers[signal.SIGTERM] == server.handle_exit
    await guard.startup()
    guard.require_service()


async def test_a_second_signal_ends_the_wait(server):
    guard = DrainGuard(60)
    await guard.startup()
    for _ in range(2):
        server.handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert server.told == [signal.SIGTERM]


async def test_a_server_that_has_stopped_is_not_told(server):
    guard = DrainGuard(0.01)
    await guard.startup()
    server.handlers[signal.SIGTERM](signal.SIGTERM, None)
    await guard.shutdown()
    await guard.shutdown()
    await asyncio.sleep(0.03)
    assert server.told == []


async def test_where_nobody_stands_behind_the_signal_it_is_left_alone(server, caplog):
    server.handlers[signal.SIGTERM] = signal.SIG_DFL
    await DrainGuard(1).startup()
    assert server.handlers[signal.SIGTERM] is signal.SIG_DFL
    assert "it needs uvicorn" in caplog.text


async def test_signals_are_for_the_main_thread(server, monkeypatch):
    monkeypatch.setattr(threading, "main_thread", threading.Thread)
    await DrainGuard(1).startup()
    assert server.handlers[signal.SIGTERM] == server.handle_exit
