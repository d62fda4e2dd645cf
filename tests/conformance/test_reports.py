"""Every store of reports keeps the contract of `zenith.headers.store`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.conformance.conftest import Place
from zenith.headers import BrowserReport, DayCount, ReportCount, ReportStore
from zenith.stores.memory import MemoryReportStore
from zenith.stores.sql import SqlReportStore

INLINE = BrowserReport(
    kind="csp",
    directive="script-src-elem",
    blocked="inline",
    document="/form",
    source="/form",
    disposition="enforce",
)
IMAGE = replace(INLINE, directive="img-src", blocked="https://img.example")
DNS = BrowserReport(kind="network", directive="dns.failed", blocked="", document="/")


@pytest.fixture
def reports(place: Place) -> ReportStore:
    return MemoryReportStore() if place.database is None else SqlReportStore(place.database)


def told(report: BrowserReport, count: int = 1, at: float = 100.0) -> ReportCount:
    return ReportCount(report=report, count=count, first_seen=at, last_seen=at)


async def test_the_same_is_counted_on(reports: ReportStore) -> None:
    await reports.add(1, [told(INLINE, 2, 50.0), told(DNS)], room=10)
    await reports.add(1, [told(INLINE, 3, 40.0)], room=10)
    await reports.add(2, [told(INLINE, 1, 60.5)], room=10)
    assert await reports.totals(since=1, limit=10) == [
        ReportCount(report=INLINE, count=6, first_seen=40.0, last_seen=60.5),
        told(DNS),
    ]
    assert await reports.totals(since=1, limit=1) == [
        ReportCount(report=INLINE, count=6, first_seen=40.0, last_seen=60.5)
    ]
    assert await reports.totals(since=2, limit=10) == [told(INLINE, 1, 60.5)]
    assert await reports.totals(since=3, limit=10) == []
    await reports.add(3, [], room=10)


async def test_days_are_summed_by_kind_and_directive(reports: ReportStore) -> None:
    elsewhere = replace(INLINE, document="/other")
    await reports.add(2, [told(DNS)], room=10)
    await reports.add(1, [told(INLINE, 2), told(elsewhere, 3), told(IMAGE)], room=10)
    assert await reports.days(since=1) == [
        DayCount(day=1, kind="csp", directive="img-src", count=1),
        DayCount(day=1, kind="csp", directive="script-src-elem", count=5),
        DayCount(day=2, kind="network", directive="dns.failed", count=1),
    ]
    assert [each.day for each in await reports.days(since=2)] == [2]


async def test_beyond_the_room_only_directives_are_counted(reports: ReportStore) -> None:
    await reports.add(1, [told(INLINE), told(IMAGE)], room=2)
    strangers = [replace(INLINE, document=f"/p{number}") for number in range(5)]
    await reports.add(1, [*map(told, strangers), told(DNS), told(INLINE)], room=2)
    found = {each.report: each.count for each in await reports.totals(since=1, limit=99)}
    assert found == {INLINE: 2, IMAGE: 1, INLINE.folded: 5, DNS.folded: 1}
    # A row that is known has its place, whatever the room.
    await reports.add(1, [told(IMAGE)], room=1)
    found = {each.report: each.count for each in await reports.totals(since=1, limit=99)}
    assert found[IMAGE] == 2


async def test_a_day_that_somebody_has_filled_leaves_the_next_its_room(
    reports: ReportStore,
) -> None:
    await reports.add(1, [told(replace(INLINE, document=f"/p{n}")) for n in range(9)], room=4)
    await reports.add(2, [told(INLINE), told(IMAGE)], room=4)
    assert {each.report for each in await reports.totals(since=2, limit=99)} == {INLINE, IMAGE}


async def test_what_is_old_is_forgotten(reports: ReportStore) -> None:
    for day in (1, 2, 3):
        await reports.add(day, [told(INLINE)], room=10)
    assert await reports.prune(before=3) == 2
    assert await reports.prune(before=3) == 0
    assert await reports.clear() == 1
    assert await reports.clear() == 0
    assert await reports.totals(since=0, limit=10) == []


async def test_nothing_that_is_told_at_once_is_lost(reports: ReportStore, place: Place) -> None:
    """Each adds the same few rows, in any order, and one of those for which there is no room."""
    total = 400 if place.database is None else 40
    pages = [replace(INLINE, document=f"/p{number}") for number in range(3)]
    await reports.add(0, [*map(told, pages)], room=3)

    async def add(number: int) -> None:
        some = pages[number % 3 :] + pages[: number % 3]
        lonely = replace(IMAGE, document=f"/q{number % 7}")
        await reports.add(0, [*map(told, some), told(lonely)], room=3)

    await asyncio.gather(*(add(number) for number in range(total)))
    found = {each.report: each.count for each in await reports.totals(since=0, limit=99)}
    assert found == {**dict.fromkeys(pages, total + 1), IMAGE.folded: total}


async def test_a_row_that_many_begin_at_once_is_one(reports: ReportStore) -> None:
    await asyncio.gather(*(reports.add(0, [told(DNS, 2)], room=9) for _ in range(40)))
    assert await reports.totals(since=0, limit=9) == [told(DNS, 80)]
