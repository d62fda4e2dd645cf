"""The collector: counts in memory, writes together, and forgets in time."""

from __future__ import annotations

import asyncio
import json

import pytest

from zenith.headers import HeadersSettings, ReportCollector
from zenith.headers.collector import DAY, MAX_WAITING
from zenith.headers.reports import REPORTS
from zenith.kernel.errors import ServiceUnavailableError
from zenith.stores.memory import MemoryReportStore

HOSTS = {"app.example.org"}
START = 20_000.0 * DAY


class Slow(MemoryReportStore):
    """A store that fails, or waits, when told to."""

    def __init__(self):
        super().__init__()
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.adds = 0
        self.entered = asyncio.Event()

    async def add(self, day, counts, *, room):
        self.adds += 1
        self.entered.set()
        await self.gate.wait()
        if self.broken:
            raise ServiceUnavailableError(reason="gone")
        await super().add(day, counts, room=room)


class Ticking:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Ticking()


@pytest.fixture
def store():
    return Slow()


class Failing(Slow):
    """A store that fails once as none should."""

    async def add(self, day, counts, *, room):
        if self.broken:
            self.broken = False
            raise ValueError("unforeseen")
        await super().add(day, counts, room=room)


def body(*paths, directive="img-src"):
    return json.dumps(
        [
            {
                "type": "csp-violation",
                "url": f"https://app.example.org{path}",
                "body": {"effectiveDirective": directive, "blockedURL": "inline"},
            }
            for path in paths
        ]
    ).encode()


def collector(store, clock, *, pause=0.0, **settings):
    return ReportCollector(store, HeadersSettings(**settings), clock=clock, pause=pause)


def take(reports, *paths):
    return reports.take(body(*paths), media_type=REPORTS, hosts=HOSTS)


async def test_the_same_is_counted_and_written_once(store, clock):
    reports = collector(store, clock)
    await reports.start()
    assert take(reports, "/a", "/a", "/b") == 3
    clock.now += 5
    assert take(reports, "/a") == 1
    assert store.adds == 0
    found = await reports.totals()
    assert [(each.report.document, each.count) for each in found] == [("/a", 3), ("/b", 1)]
    assert (found[0].first_seen, found[0].last_seen) == (START, START + 5)
    assert store.adds == 1
    assert [each.count for each in await reports.days(days=1)] == [4]
    await reports.stop()


async def test_nothing_runs_before_a_report_and_all_is_written_in_the_end(store, clock):
    reports = collector(store, clock, pause=60)
    await reports.start()
    assert reports._task is None
    assert take(reports) == 0
    assert reports._task is None
    take(reports, "/a")
    task = reports._task
    take(reports, "/b")
    assert reports._task is task
    await reports.stop()
    assert task.cancelled()
    assert len(await store.totals(since=0, limit=9)) == 2
    await reports.stop()


async def test_what_waits_is_written_after_a_pause(store, clock):
    reports = collector(store, clock)
    take(reports, "/a")
    await reports._task
    assert len(await store.totals(since=0, limit=9)) == 1
    assert reports._task is None
    take(reports, "/b")
    await reports._task
    assert len(await store.totals(since=0, limit=9)) == 2


async def test_what_cannot_be_written_waits_on(store, clock, caplog):
    reports = collector(store, clock)
    store.broken = True
    take(reports, "/a")
    assert not await reports.flush()
    assert "1 reports of browsers wait: gone" in caplog.text
    take(reports, "/a")
    store.broken = False
    assert await reports.flush()
    assert [each.count for each in await store.totals(since=0, limit=9)] == [2]
    await reports.stop()


async def test_a_failure_that_nobody_foresaw_ends_no_later_writes(clock):
    failing = Failing()
    failing.broken = True
    reports = collector(failing, clock)
    take(reports, "/a")
    await asyncio.gather(reports._task, return_exceptions=True)
    take(reports, "/b")
    await asyncio.gather(reports._task)
    assert [each.report.document for each in await failing.totals(since=0, limit=9)] == ["/b"]


async def test_a_stop_in_the_midst_of_a_write_loses_nothing(store, clock):
    reports = collector(store, clock)
    store.gate.clear()
    take(reports, "/a")
    await store.entered.wait()
    stopping = asyncio.create_task(reports.stop())
    await asyncio.sleep(0)
    store.gate.set()
    await stopping
    assert [each.count for each in await store.totals(since=0, limit=9)] == [1]


async def test_a_flood_of_different_reports_is_folded(store, clock):
    reports = collector(store, clock, pause=60)
    for number in range(MAX_WAITING // 50 + 4):
        take(reports, *[f"/{letters(number)}/{letters(each)}" for each in range(50)])
    assert len(reports._waiting) == MAX_WAITING + 1
    total = 50 * (MAX_WAITING // 50 + 4)
    found = await reports.totals(limit=9999)
    assert sum(each.count for each in found) == total
    assert (found[0].report.document, found[0].count) == ("", total - MAX_WAITING)
    await reports.stop()


def letters(number):
    return "".join(chr(97 + digit) for digit in divmod(number, 26))


async def test_the_store_keeps_no_more_than_the_settings_say(store, clock):
    reports = collector(store, clock, max_reports=2)
    take(reports, "/a", "/b", "/c", "/d")
    found = await reports.totals()
    assert [(each.report.document, each.count) for each in found] == [
        ("", 2),
        *sorted([("/a", 1), ("/b", 1)], key=lambda pair: _key(found, pair[0])),
    ]
    await reports.stop()


def _key(found, document):
    return next(each.report.key for each in found if each.report.document == document)


async def test_days_pass_and_are_forgotten(store, clock):
    reports = collector(store, clock, report_retention=2 * DAY)
    take(reports, "/a")
    clock.now += DAY
    take(reports, "/a")
    # Those of before midnight are counted there, whenever they are written.
    assert [each.day for each in await reports.days()] == [20_000, 20_001]
    assert [each.count for each in await reports.totals(days=1)] == [1]
    assert await reports.prune() == 0
    clock.now += 2 * DAY
    assert await reports.prune() == 1
    take(reports, "/b")
    assert await reports.clear(by="ada") == 1
    assert await reports.totals() == []
    await reports.stop()
