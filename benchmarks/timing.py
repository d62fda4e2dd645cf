"""Interleaved rounds on one processor clock: noise that comes and goes meets every contender.

Each round runs a batch of every contender, the first of the round being another one each time.
What is compared are the figures of one round with each other, so that a machine that slows down
between rounds changes nothing; the medians of these are reported.

The garbage collector stays on, for its work is part of what a request costs. What existed before is
frozen, and what a batch leaves behind is collected before the next one starts, so that no contender
pays for the objects of another.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Nanoseconds."""
Batch: TypeAlias = Callable[[int], Awaitable[None]]
"""Does a piece of work so many times. What it does before it returns its awaitable is not timed."""


@dataclass(frozen=True)
class Measured:
    """µs of CPU time for one piece of work, by contender and round."""

    times: Mapping[str, tuple[float, ...]]

    def of(self, name: str) -> float:
        """The median of one contender."""
        return median(self.times[name])

    def ratio(self, over: str, under: str) -> tuple[float, float]:
        """Median over the rounds of one contender's time by another's, and its spread."""
        pairs = zip(self.times[over], self.times[under], strict=True)
        return with_spread([first / second for first, second in pairs])

    def ratio_of_ratios(
        self, first: tuple[str, str], second: tuple[str, str]
    ) -> tuple[float, float]:
        """One ratio of two contenders by the ratio of two others, and its spread."""
        names = (*first, *second)
        rounds = zip(*(self.times[name] for name in names), strict=True)
        return with_spread([(a / b) / (c / d) for a, b, c, d in rounds])

    def added(self, name: str, to: str, peer: str) -> tuple[float, float]:
        """What `name` adds to `to`, by what `peer` adds to it, and its spread."""
        rounds = zip(self.times[name], self.times[to], self.times[peer], strict=True)
        return with_spread([(own - base) / (other - base) for own, base, other in rounds])


def with_spread(values: list[float]) -> tuple[float, float]:
    """The median, and half the distance between the quartiles."""
    low, middle, high = quantiles(values, n=4)
    return middle, (high - low) / 2


async def interleave(
    contenders: Mapping[str, Batch],
    *,
    rounds: int,
    milliseconds: float = 5.0,
    clock: Clock = time.process_time_ns,
) -> Measured:
    """Run every contender in every round, each for about as many milliseconds."""
    counts = {name: await _calibrate(run, milliseconds, clock) for name, run in contenders.items()}
    names = list(contenders)
    times: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.freeze()
    try:
        for index in range(rounds):
            shift = index % len(names)
            for name in (*names[shift:], *names[:shift]):
                times[name].append(await _time(contenders[name], counts[name], clock))
    finally:
        gc.unfreeze()
    return Measured({name: tuple(found) for name, found in times.items()})


async def _calibrate(run: Batch, milliseconds: float, clock: Clock) -> int:
    """How often the work fits into the time, once it is warm: the first time may be many times as
    long, and a batch made for that would be over before caches are of any use. So would one that
    was made while something else ran in between: the shortest of three times counts.
    """
    await _time(run, 2, clock)
    count = 1
    while True:
        spent = await _time(run, count, clock) * count / 1000
        if spent >= milliseconds / 4:
            again = [await _time(run, count, clock) * count / 1000 for _ in range(2)]
            spent = min(spent, *again)
            if spent >= milliseconds / 4:
                return max(round(count * milliseconds / spent), 1)
        count *= 2


async def _time(run: Batch, count: int, clock: Clock) -> float:
    work = run(count)
    gc.collect()
    started = clock()
    await work
    return (clock() - started) / 1000 / count


def repeat(work: Callable[[], object]) -> Batch:
    """A batch of a plain function."""

    async def run(count: int) -> None:
        for _ in range(count):
            work()

    return run


def repeat_async(work: Callable[[], Awaitable[object]]) -> Batch:
    """A batch of a coroutine function."""

    async def run(count: int) -> None:
        for _ in range(count):
            await work()

    return run
