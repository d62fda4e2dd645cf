"""Whoever reads the rows of a log: the same are read, in order, and the same is found."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.audit.sealed import (
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_log,
    sqlite_template,
)
from zenith.audit.errors import LostReaderError
from zenith.audit.reading import StoredLog
from zenith.audit.reading_ahead import AHEAD, Leaf, ReadingAhead, leaves_between
from zenith.audit.seal_store import SealStore
from zenith.audit.verification import Verification, VerificationReport

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_log", "sqlite_template"]
ROWS = 4


class Reader:
    """Reads after a while, and is lost after some ranges."""

    def __init__(self, store: SealStore, *, lives: int = 1_000, seed: int = 0) -> None:
        self.store, self.lives, self.chance = store, lives, random.Random(seed)
        self.busy = self.most = self.read = 0

    async def leaves(self, after: int, through: int) -> Sequence[Leaf]:
        self.lives -= 1
        for _ in range(self.chance.randrange(5)):
            await asyncio.sleep(0)
        if self.lives < 0:
            raise LostReaderError("gone")
        self.read += 1
        return await leaves_between(self.store, "main", after, through)


async def verified(log: SealedLog, *readers: Reader) -> VerificationReport:
    ahead = ReadingAhead(log.first.seals, "main", rows=ROWS)
    for reader in readers:
        ahead.add(reader)
    try:
        return await Verification(
            StoredLog(log.first.seals, "main", ahead=ahead),
            "main",
            keys=log.keys,
            public=log.keys.public,
        ).run()
    finally:
        await ahead.close()


async def pages(ahead: ReadingAhead) -> AsyncIterator[tuple[Sequence[Leaf], int]]:
    after = 0
    while found := await ahead.next(after):
        after = found[1]
        yield found


async def test_whole_ranges_come_in_order(log: SealedLog) -> None:
    await log.write(4 * ROWS + 2)
    ahead = ReadingAhead(log.first.seals, "main", rows=ROWS)
    assert await ahead.next(0) is None, "there is no reader"
    readers = [Reader(log.first.seals, seed=seed) for seed in range(3)]
    for reader in readers:
        ahead.add(reader)
    found = [page async for page in pages(ahead)]
    assert [through for _, through in found] == [ROWS, 2 * ROWS, 3 * ROWS, 4 * ROWS]
    expected = await log.first.seals.leaves("main", after=0, limit=4 * ROWS)
    assert [leaf for leaves, _ in found for leaf in leaves] == list(expected)
    assert sum(reader.read for reader in readers) > 0
    await ahead.close()


async def test_a_range_ends_where_it_was_to_end(log: SealedLog) -> None:
    await log.write(9)
    between = await leaves_between(log.first.seals, "main", 2, 5)
    assert [place for place, _ in between] == [3, 4, 5]
    assert await log.first.seals.bound("main", after=2, count=3) == 5
    assert await log.first.seals.bound("main", after=2, count=8) is None
    assert await log.first.seals.bound("other", after=0, count=1) is None


async def test_no_more_is_read_ahead_than_readers_need(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    await log.write(40 * ROWS)
    asked: list[int] = []

    class Counting(Reader):
        async def leaves(self, after: int, through: int) -> Sequence[Leaf]:
            asked.append(after)
            return await super().leaves(after, through)

    ahead = ReadingAhead(log.first.seals, "main", rows=ROWS)
    ahead.add(Counting(log.first.seals))
    await ahead.next(0)
    assert max(asked, default=0) <= AHEAD * ROWS
    await ahead.close()


async def test_what_a_lost_reader_leaves_is_read(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    await log.sealed(*[5] * 9)
    readers = [Reader(log.first.seals, lives=lives, seed=lives) for lives in range(3)]
    report = await verified(log, *readers)
    assert report.holds
    assert report.events == 45


INTRUSIONS = (
    "DELETE FROM EVENTS WHERE sequence = 7",
    "DELETE FROM EVENTS WHERE sequence BETWEEN 9 AND 21",
    "UPDATE EVENTS SET subject = 'other' WHERE sequence = 12",
    "UPDATE EVENTS SET sequence = 100 WHERE sequence = 13",
    "UPDATE EVENTS SET sequence = 9000000000000000000 WHERE sequence = 3",
    "UPDATE EVENTS SET subject = CAST(x'ff' AS TEXT) WHERE sequence = 8",
    "DELETE FROM SEALS WHERE number = 2",
    "DELETE FROM SEALS WHERE number > 3",
    "UPDATE SEALS SET entries = x'00' WHERE number = 1",
    "DELETE FROM EVENTS",
)


@pytest.mark.parametrize("count", range(1, 4))
@pytest.mark.parametrize("seed", range(12))
async def test_the_same_is_found_by_however_many(
    sqlite_log: SealedLog, seed: int, count: int
) -> None:
    log, chance = sqlite_log, random.Random(seed)
    await log.sealed(*(chance.randrange(1, 9) for _ in range(7)))
    await log.write(chance.randrange(6))
    for intrusion in chance.sample(INTRUSIONS, chance.randrange(4)):
        await log.sql(intrusion)
    readers = [Reader(log.first.seals, lives=chance.choice([0, 2, 99])) for _ in range(count)]
    assert await verified(log, *readers) == await log.verify()
