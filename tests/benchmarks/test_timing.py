"""Batches are made for the work, not for what ran beside it while they were made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks import timing
from benchmarks.timing import interleave


@pytest.fixture(autouse=True)
def _nothing_to_collect(monkeypatch):
    """The heap of a whole test run takes long to walk through."""
    idle = SimpleNamespace(collect=int, freeze=int, unfreeze=int)
    monkeypatch.setattr(timing, "gc", idle)


class Work:
    """A piece takes 10 µs on its own clock, but for one time when a neighbor woke up."""

    def __init__(self, disturbed: int) -> None:
        self.now = 0
        self.counts: list[int] = []
        self._disturbed = disturbed

    def clock(self) -> int:
        return self.now

    async def batch(self, count: int) -> None:
        self.counts.append(count)
        self.now += 10_000 * count
        if len(self.counts) == self._disturbed:
            self.now += 100_000_000


async def test_a_disturbance_does_not_make_batches_short():
    work = Work(disturbed=4)
    found = await interleave({"a": work.batch}, rounds=3, clock=work.clock)
    assert work.counts[-3:] == [500, 500, 500]
    assert found.of("a") == 10


async def test_ratios_are_those_of_one_round():
    first, second = Work(disturbed=0), Work(disturbed=0)

    async def both(count: int) -> None:
        await first.batch(2 * count)
        await second.batch(count)

    def clock() -> int:
        return first.now + second.now

    found = await interleave({"a": both, "b": second.batch}, rounds=4, clock=clock)
    assert found.ratio("a", "b") == (3, 0)
    assert found.ratio_of_ratios(("a", "b"), ("b", "a")) == (9, 0)
    assert found.added("a", "b", "a") == (1, 0)
