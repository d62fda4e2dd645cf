"""A verification beside the requests: one at a time, and never a page that hangs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from zenith.console.verification_run import VerificationRun


class Audit:
    """Parts of a log whose verification waits for the test."""

    def __init__(self, failure=None, total=10):
        self.gate = asyncio.Event()
        self.failure = failure
        self.settings = SimpleNamespace(stream="main")
        head = None if total is None else SimpleNamespace(total=total)

        async def find(stream):
            return head

        self.seals = SimpleNamespace(head=find)

    async def verify(self, *, by, progress):
        progress(7)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return f"report for {by}"


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_one_runs_at_a_time_and_says_how_far_it_is():
    run, audit = VerificationRun(clock=lambda: 77.0), Audit()
    assert not run.is_running
    assert run.begin(audit, by="ada")
    assert not run.begin(audit, by="bob")
    await until(lambda: run.done == 7)
    assert (run.is_running, run.total) == (True, 10)
    audit.gate.set()
    await until(lambda: not run.is_running)
    assert (run.report, run.failure, run.ended_at) == ("report for ada", "", 77.0)
    assert run.begin(Audit(total=None), by="bob")
    assert (run.done, run.total) == (0, 0)
    await run.shutdown()
    assert not run.is_running
    await run.shutdown()


async def test_one_that_fails_proves_nothing(caplog):
    run, audit = VerificationRun(), Audit(failure=OSError("gone"))
    run.begin(audit, by="ada")
    audit.gate.set()
    await until(lambda: not run.is_running)
    assert (run.report, run.failure) == (None, "OSError")
    assert "was not verified" in caplog.text
