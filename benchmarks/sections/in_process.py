"""Whole requests in process: what all protections together cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from benchmarks.apps import CONTENDERS, Contender
from benchmarks.driver import send_all
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, Measured, interleave

TITLE = "Whole requests in process (CPU time; ratio: share of bare FastAPI's throughput kept)"
ROUNDS = 40
BATCH = 25.0
"""Milliseconds: long enough to find one's own code in the processor's caches again."""
KEPT = {
    "GET, token seen before": 0.92,
    "GET, token never seen": 0.75,
    "POST, cookie session and CSRF": 0.85,
}
ADDED = {"GET, token never seen": 1 / 30, "GET, token seen before": 1 / 100}
MakeBatch: TypeAlias = Callable[[Contender], Batch]


def _seen(contender: Contender) -> Batch:
    call = contender.seen()
    return lambda count: send_all(contender.app, [call] * count)


def _unseen(contender: Contender) -> Batch:
    # The tokens are made before the batch is timed.
    return lambda count: send_all(contender.app, contender.unseen(count))


def _change(contender: Contender) -> Batch:
    call = contender.change()
    return lambda count: send_all(contender.app, [call] * count)


KINDS: dict[str, MakeBatch] = {
    "GET, token seen before": _seen,
    "GET, token never seen": _unseen,
    "POST, cookie session and CSRF": _change,
}


async def measure(options: Options) -> AsyncIterator[Row]:
    """Share of throughput kept, and CPU added, for each kind of request."""
    contenders = {name: make() for name, make in CONTENDERS.items()}
    rounds = options.rounds(ROUNDS)
    for contender in contenders.values():
        await contender.start()
    try:
        found: dict[str, Measured] = {}
        for kind, make in KINDS.items():
            batches = {name: make(each) for name, each in contenders.items()}
            found[kind] = await interleave(batches, rounds=rounds, milliseconds=BATCH)
            yield _kept(kind, found[kind])
        for kind, budget in ADDED.items():
            yield _added(kind, found[kind], budget)
    finally:
        for contender in contenders.values():
            await contender.stop()


def _kept(kind: str, found: Measured) -> Row:
    ratio, spread = found.ratio("bare", "zenith")
    return Row(
        name=f"{kind}: throughput kept",
        ours=found.of("zenith"),
        peer_name="bare FastAPI",
        peer=found.of("bare"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=KEPT[kind], bound="at least"),
    )


def _added(kind: str, found: Measured, budget: float) -> Row:
    ratio, spread = found.added("zenith", "bare", "assembled")
    base = found.of("bare")
    return Row(
        name=f"{kind}: CPU added",
        ours=found.of("zenith") - base,
        peer_name="assembled stack",
        peer=found.of("assembled") - base,
        ratio=ratio,
        spread=spread,
        budget=Budget(value=budget),
    )
