from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest
import uvicorn
from uvicorn.supervisors import Multiprocess

from zenith.cli.workers import Alone, Workers


@pytest.mark.parametrize("fails", [False, True])
def test_workers_inherit_that_ctrl_c_is_ignored(monkeypatch, fails):
    seen = []

    def init(self):
        seen.append(signal.getsignal(signal.SIGINT))
        if fails:
            raise OSError

    monkeypatch.setattr(Multiprocess, "init_processes", init)
    before = signal.getsignal(signal.SIGINT)
    workers = Workers.__new__(Workers)
    if fails:
        with pytest.raises(OSError):  # noqa: PT011  any will do
            workers.init_processes()
    else:
        workers.init_processes()
    assert seen == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) is before


async def test_nothing_is_promised_before_the_port_answers(monkeypatch):
    said = []

    async def startup(self, sockets=None):
        said.append("listens")

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    server = Alone(uvicorn.Config(lambda: None), greet=lambda: said.append("ready"))
    await server.startup([])
    assert said == ["listens", "ready"]


async def test_a_server_that_cannot_start_promises_nothing(monkeypatch):
    async def startup(self, sockets=None):
        raise SystemExit(3)

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    server = Alone(uvicorn.Config(lambda: None), greet=lambda: pytest.fail("not ready"))
    with pytest.raises(SystemExit):
        await server.startup([])


def test_workers_are_ready_once_one_of_them_listens(monkeypatch):
    said, listening = [], [False, False]
    monkeypatch.setattr(Multiprocess, "__init__", lambda self, config, sockets: None)
    monkeypatch.setattr(Multiprocess, "keep_subprocess_alive", lambda self: None)
    workers = Workers(uvicorn.Config(lambda: None), [], greet=lambda: said.append("ready"))
    workers.processes = [SimpleNamespace(is_ready=lambda n=n: listening[n]) for n in (0, 1)]
    workers.keep_subprocess_alive()
    assert said == []
    listening[1] = True
    workers.keep_subprocess_alive()
    workers.keep_subprocess_alive()
    assert said == ["ready"]
