from __future__ import annotations

import signal

import pytest
from uvicorn.supervisors import Multiprocess

from zenith.cli.workers import Workers


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
