"""Whole requests in process: what all protections together cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from benchmarks.apps import CONTENDERS, Contender, TokenContender
from benchmarks.driver import send_all
from benchmarks.names import ASSEMBLED, CHANGE, SEEN, UNSEEN
from benchmarks.names import kept as kept_name
from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, Measured, interleave

TITLE = "Whole requests in process (CPU time; ratio: share of bare FastAPI's throughput kept)"
ROUNDS = 40
BATCH = 25.0
"""Milliseconds: long enough to find one's own code in the processor's caches again."""
KEPT = {SEEN: 0.92, UNSEEN: 0.75, CHANGE: 0.85}
ADDED = {UNSEEN: 1 / 30, SEEN: 1 / 100}
MakeBatch: TypeAlias = Callable[[TokenContender], Batch]


def seen(contender: Contender) -> Batch:
    call = contender.seen()
    return lambda count: send_all(contender.app, [call] * count)


def unseen(contender: TokenContender) -> Batch:
    # The tokens are made before the batch is timed.
    return lambda count: send_all(contender.app, contender.unseen(count))


def change(contender: Contender) -> Batch:
    call = contender.change()
    return lambda count: send_all(contender.app, [call] * count)


KINDS: dict[str, MakeBatch] = {
    SEEN: seen,
    UNSEEN: unseen,
    CHANGE: change,
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
        name=kept_name(kind),
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
        peer_name=ASSEMBLED,
        peer=found.of("assembled") - base,
        ratio=ratio,
        spread=spread,
        budget=Budget(value=budget),
    )
