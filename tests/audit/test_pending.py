"""What waits for its seal."""

from __future__ import annotations

import asyncio

import pytest

from zenith.audit import pending as module
from zenith.audit.pending import Pending


async def test_order_is_that_of_commits() -> None:
    pending = Pending()
    pending.add([("b", b"1"), ("a", b"2")])
    pending.add([("c", b"3")])
    assert pending.first(2) == [("b", b"1"), ("a", b"2")]
    assert "a" in pending
    pending.done(["b", "a", "unknown"])
    assert len(pending) == 1
    assert "a" not in pending


async def test_much_does_not_wait() -> None:
    pending = Pending(full=2)
    waiting = asyncio.create_task(pending.wait(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    pending.add([("a", b"1")])
    await asyncio.sleep(0)
    assert not waiting.done()
    pending.add([("b", b"1")])
    await asyncio.wait_for(waiting, 1)
    pending.done(["a", "b"])
    assert pending.first(5) == []


async def test_little_waits_for_its_time() -> None:
    pending = Pending()
    pending.add([("a", b"1")])
    await asyncio.wait_for(pending.wait(0.001), 1)


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 2)
    pending = Pending()
    for number in range(5):
        pending.add([(str(number), b"")])
    assert len(pending) == 2
