"""One suite for every store of quotas: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from zenith.rate_limits import Quotas
from zenith.rate_limits.allowance import Span, parse_allowance
from zenith.stores.memory import MemoryQuotaStore
from zenith.stores.sql import SqlQuotaStore

MAY = 1_777_593_600
"""The first of May 2026, midnight in UTC."""
MONTH = 31 * 86_400


ROW, OTHER = "0" * 64, "f" * 64


@pytest.fixture
def store(place):
    return MemoryQuotaStore() if place.database is None else SqlQuotaStore(place.database)


def span(bucket, *, since=None):
    return Span(bucket, bucket if since is None else since, bucket + 10, 20, bucket + 20)


async def take(store, bucket, need, most, *, limit=10, row=ROW, since=None):
    taken = await store.take(row, span=span(bucket, since=since), limit=limit, need=need, most=most)
    return taken.granted, [tuple(each) for each in taken.counts]


async def test_as_much_as_there_is_and_never_more(store):
    assert await take(store, 100, 1, 4) == (4, [])
    assert await take(store, 100, 1, 4) == (4, [(100, 4)])
    assert await take(store, 100, 3, 4) == (0, [(100, 8)])
    assert await take(store, 100, 1, 4) == (2, [(100, 8)])
    assert await take(store, 100, 1, 1) == (0, [(100, 10)])
    assert await take(store, 100, 1, 1, row=OTHER) == (1, [])
    assert await take(store, 100, 1, 9, limit=12) == (2, [(100, 10)])
    assert await take(store, 100, 1, 9, limit=5) == (0, [(100, 12)])


async def test_several_buckets_count_together(store):
    assert await take(store, 100, 1, 4) == (4, [])
    assert await take(store, 110, 1, 4, since=100) == (4, [(100, 4)])
    assert await take(store, 120, 1, 4, since=100) == (2, [(100, 4), (110, 4)])
    assert await take(store, 130, 1, 9, since=110) == (4, [(110, 4), (120, 2)])
    assert [tuple(each) for each in await store.read(ROW, since=120, until=140)] == [
        (120, 2),
        (130, 4),
    ]
    assert await store.read(OTHER, since=0, until=200) == []


async def test_what_a_wrong_clock_has_counted_shuts_nobody_out(store):
    assert await take(store, 100, 1, 4) == (4, [])
    # Up to a window ahead it may be the right one, and ours behind.
    assert await take(store, 120, 1, 3) == (3, [])
    assert await take(store, 9000, 1, 10) == (10, [])
    assert await take(store, 100, 1, 9) == (3, [(100, 4), (120, 3)])
    assert [tuple(each) for each in await store.read(ROW, since=100, until=119)] == [(100, 7)]


async def test_giving_back_leaves_nothing_below_zero(store):
    await store.give_back(ROW, bucket=100, count=3)
    assert await take(store, 100, 2, 5) == (5, [])
    await store.give_back(ROW, bucket=100, count=2)
    assert await take(store, 100, 7, 7) == (7, [(100, 3)])
    await store.give_back(ROW, bucket=100, count=11)
    assert [tuple(each) for each in await store.read(ROW, since=0, until=200)] == [(100, 0)]


async def test_pruning_keeps_what_counts(store):
    await take(store, 100, 1, 1)
    await take(store, 110, 1, 1)
    await take(store, 110, 1, 1, row=OTHER)
    assert await store.prune(now=129.9) == 0
    assert await store.prune(now=130) == 1
    assert [tuple(each) for each in await store.read(ROW, since=0, until=200)] == [(110, 1)]
    assert await store.prune(now=140) == 2
    assert await store.prune(now=140) == 0


async def test_race_for_the_last_ones(store):
    found = await asyncio.gather(*(take(store, 100, 1, 2, limit=31) for _ in range(40)))
    assert sum(granted for granted, _ in found) == 31


async def test_processes_together_admit_no_more(store):
    processes = [Quotas(store, clock=lambda: MAY + 100.0) for _ in range(3)]
    allowance = parse_allowance("1000/month")

    async def work(quotas):
        usages = [await quotas.charge("calls", allowance, "a", 20) for _ in range(20)]
        return sum(20 for usage in usages if usage.allowed)

    passed = sum(await asyncio.gather(*map(work, processes)))
    assert 0 <= 1000 - passed < 60
    for quotas in processes:
        await quotas.stop()
    left = await processes[0].usage("calls", allowance, "a")
    assert left.remaining == 1000 - passed
