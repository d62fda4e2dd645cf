"""Quotas: leases of what the store has, and what becomes of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.rate_limits import Quotas
from zenith.rate_limits.allowance import parse_allowance
from zenith.stores.memory import MemoryQuotaStore

MAY = 1_777_593_600
"""The first of May 2026, midnight in UTC."""
MONTH = 31 * 86_400


class Clock:
    def __init__(self):
        self.now = float(MAY + 100)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return MemoryQuotaStore()


async def admitted(quotas, text, count, *, cost=1, key="a", name="calls"):
    allowance = parse_allowance(text)
    usages = [await quotas.charge(name, allowance, key, cost) for _ in range(count)]
    return sum(usage.allowed for usage in usages)


async def test_the_quota_and_not_one_more(store, clock):
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "100/month", 110) == 100
    assert await admitted(quotas, "100/month", 3, key="b") == 3
    assert await admitted(quotas, "100/month", 3, name="other") == 3
    clock.now = MAY + MONTH - 0.1
    assert await admitted(quotas, "100/month", 1) == 0
    clock.now = MAY + MONTH + 0.1
    assert await admitted(quotas, "100/month", 110) == 100


async def test_most_requests_write_nothing(store, clock):
    quotas, asked, take = Quotas(store, clock=clock), [], store.take

    async def counted(row, **arguments):
        asked.append(arguments["most"])
        return await take(row, **arguments)

    store.take = counted
    assert await admitted(quotas, "100000/month", 1000) == 1000
    assert asked == [100] * 10


async def test_processes_together_admit_no_more(store, clock):
    processes = [Quotas(store, clock=clock) for _ in range(4)]

    async def work(quotas):
        return await admitted(quotas, "500/month", 200)

    assert sum(await asyncio.gather(*map(work, processes))) <= 500
    for quotas in processes:
        await quotas.stop()
    clock.now += 3
    left = sum(await asyncio.gather(*map(work, processes)))
    assert left == 0
    (usage,) = [await processes[0].usage("calls", parse_allowance("500/month"), "a")]
    assert usage.remaining == 0


async def test_what_was_leased_and_not_used_is_given_back(store, clock):
    first, second = Quotas(store, clock=clock), Quotas(store, clock=clock)
    allowance = parse_allowance("1000/month")
    assert await admitted(first, "1000/month", 1) == 1
    assert (await first.usage("calls", allowance, "a")).remaining == 999
    assert (await second.usage("calls", allowance, "a")).remaining == 969
    await first.give_back()
    assert (await second.usage("calls", allowance, "a")).remaining == 969
    clock.now += 11
    await first.give_back()
    assert (await second.usage("calls", allowance, "a")).remaining == 999
    assert await admitted(second, "1000/month", 1005) == 999


async def test_a_killed_process_frees_nothing(store, clock):
    assert await admitted(Quotas(store, clock=clock), "320/month", 1) == 1
    assert await admitted(Quotas(store, clock=clock), "320/month", 400) == 310


async def test_a_restart_forgets_nothing(store, clock):
    for _ in range(3):
        quotas = Quotas(store, clock=clock)
        assert await admitted(quotas, "100/day", 30) == 30
        await quotas.stop()
    assert await admitted(Quotas(store, clock=clock), "100/day", 30) == 10


async def test_costs(store, clock):
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "1000/month", 3, cost=400) == 2
    assert await admitted(quotas, "1000/month", 3, cost=150) == 1
    assert await admitted(quotas, "1000/month", 60) == 50
    assert await admitted(quotas, "1000/month", 1, cost=1001, key="b") == 0
    with pytest.raises(ValueError, match="at least 1"):
        await quotas.charge("calls", parse_allowance("1000/month"), "a", 0)


async def test_a_change_of_plan_holds_at_once_and_keeps_what_was_spent(store, clock):
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "100/month", 150) == 100
    assert await admitted(quotas, "150/month", 100) == 50
    assert await admitted(quotas, "5000/month", 100) == 100
    assert await admitted(quotas, "240/month", 1) == 0
    assert await admitted(quotas, "260/month", 20) == 10


async def test_a_rolling_window_never_sees_more_than_the_quota(store, clock):
    quotas, passed = Quotas(store, clock=clock), []
    allowance = parse_allowance("50/64 minutes")
    for step in range(300):
        clock.now += (17, 3, 190)[step % 3]
        cost = 1 + step % 4
        usage = await quotas.charge("calls", allowance, "a", cost)
        if usage.allowed:
            passed.append((clock.now, cost))
        else:
            assert 0 < usage.retry_after <= 64 * 60 * 33 / 32
    for start, _ in passed:
        assert sum(cost for at, cost in passed if start <= at < start + 64 * 60) <= 50
    assert sum(cost for _, cost in passed) > 250


async def test_who_waits_as_told_in_a_rolling_window_is_admitted(store, clock):
    quotas = Quotas(store, clock=clock)
    allowance = parse_allowance("10/64 minutes")
    for _ in range(10):
        assert (await quotas.charge("calls", allowance, "a")).allowed
        clock.now += 130
    refused = await quotas.charge("calls", allowance, "a", 3)
    assert not refused.allowed
    clock.now += refused.retry_after - 1
    assert not (await quotas.charge("calls", allowance, "a", 3)).allowed
    clock.now += 1
    assert (await quotas.charge("calls", allowance, "a", 3)).allowed


async def test_pruning_keeps_what_counts(store, clock):
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "10/day", 20) == 10
    assert await admitted(quotas, "10/month", 20) == 10
    clock.now += 86_400
    assert await quotas.prune() == 1
    assert await admitted(quotas, "10/month", 5) == 0
    assert await admitted(quotas, "10/day", 20) == 10
    clock.now += MONTH
    assert await quotas.prune() == 2
    assert await quotas.prune() == 0


class BrokenStore(MemoryQuotaStore):
    def __init__(self):
        super().__init__()
        self.fails = False
        self.gate = None
        self.asked = 0

    async def take(self, row, **arguments):
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise ServiceUnavailableError(reason="away")
        return await super().take(row, **arguments)

    async def give_back(self, row, **arguments):
        if self.fails:
            raise ServiceUnavailableError(reason="away")
        await super().give_back(row, **arguments)


async def test_what_is_leased_is_spent_while_the_database_is_away(clock):
    store = BrokenStore()
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "320/month", 1) == 1
    store.fails = True
    assert await admitted(quotas, "320/month", 9) == 9
    with pytest.raises(ServiceUnavailableError):
        await quotas.charge("calls", parse_allowance("320/month"), "a")
    store.fails = False
    assert await admitted(quotas, "320/month", 400) == 310


async def test_what_the_database_does_not_take_back_counts_as_spent(clock):
    store = BrokenStore()
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "320/month", 1) == 1
    store.fails = True
    await quotas.stop()
    store.fails = False
    assert await admitted(quotas, "320/month", 400) == 310


async def test_many_at_once_ask_once_and_who_goes_away_takes_nothing_along(clock):
    store = BrokenStore()
    store.gate = asyncio.Event()
    quotas = Quotas(store, clock=clock)
    allowance = parse_allowance("1000/month")
    tasks = [asyncio.create_task(quotas.charge("calls", allowance, "a")) for _ in range(20)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0)
    await quotas.give_back(idle=-1)
    store.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(usage.allowed for usage in found[1:])
    assert store.asked == 1
    assert (await quotas.usage("calls", allowance, "a")).remaining == 981


async def test_who_is_refused_is_not_asked_about_again_for_a_while(clock):
    store = BrokenStore()
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "3/month", 3) == 3
    before = store.asked
    assert await admitted(quotas, "3/month", 50) == 0
    assert store.asked == before + 1
    clock.now += 2.1
    assert await admitted(quotas, "3/month", 50) == 0
    assert store.asked == before + 2


async def test_a_crowd_of_callers_takes_bounded_memory(clock, monkeypatch):
    monkeypatch.setattr("zenith.rate_limits.quotas.MAX_LEASES", 50)
    store = MemoryQuotaStore()
    quotas = Quotas(store, clock=clock)
    for number in range(120):
        assert await admitted(quotas, "3200/month", 1, key=str(number)) == 1
    assert len(quotas._leases) == 50
    await quotas.stop()
    left = await quotas.usage("calls", parse_allowance("3200/month"), "0")
    assert left.remaining == 3199


async def test_a_crowd_that_all_waits_for_the_database(clock, monkeypatch):
    monkeypatch.setattr("zenith.rate_limits.quotas.MAX_LEASES", 1)
    store = BrokenStore()
    store.gate = asyncio.Event()
    quotas = Quotas(store, clock=clock)
    tasks = [asyncio.create_task(admitted(quotas, "9/day", 1, key=key)) for key in "abc"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1]


async def test_leases_are_given_back_beside_the_requests(clock, monkeypatch):
    monkeypatch.setattr("zenith.rate_limits.quotas.IDLE", 0.0)
    store, clock.now = MemoryQuotaStore(), clock.now
    quotas = Quotas(store, clock=clock)
    await quotas.start()
    assert await admitted(quotas, "3200/month", 1) == 1
    clock.now += 20
    other = Quotas(store, clock=clock)
    for _ in range(200):
        await asyncio.sleep(0)
    allowance = parse_allowance("3200/month")
    assert (await other.usage("calls", allowance, "a")).remaining == 3199
    await quotas.stop()
    await quotas.stop()


async def test_what_a_rolling_window_left_unused_is_given_back_when_its_part_is_over(clock):
    store = MemoryQuotaStore()
    quotas = Quotas(store, clock=clock)
    assert await admitted(quotas, "3200/64 minutes", 1) == 1
    clock.now += 200
    assert await admitted(quotas, "3200/64 minutes", 1) == 1
    left = await quotas.usage("calls", parse_allowance("3200/64 minutes"), "a")
    assert left.remaining == 3198


@pytest.mark.parametrize(
    ("text", "now", "begin", "end"),
    [
        ("1/hour", "2026-05-17T13:45:09", "2026-05-17T13:00:00", "2026-05-17T14:00:00"),
        ("1/day", "2026-05-17T13:45:09", "2026-05-17T00:00:00", "2026-05-18T00:00:00"),
        ("1/week", "2026-05-17T13:45:09", "2026-05-11T00:00:00", "2026-05-18T00:00:00"),
        ("1/month", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("1/month", "2028-02-29T00:00:00", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
        ("1/year", "2028-02-29T00:00:00", "2028-01-01T00:00:00", "2029-01-01T00:00:00"),
    ],
)
def test_windows_of_the_calendar(text, now, begin, end):
    at, start, stop = (
        datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp() for each in (now, begin, end)
    )
    assert parse_allowance(text).span(at) == (start, start, stop, 0, start)


@pytest.mark.parametrize(
    "text", ["", "10", "10/moon", "10/3 months", "10/0 days", "x/day", "10/second"]
)
def test_what_is_no_quota(text):
    with pytest.raises(ConfigurationError, match="100000/month"):
        parse_allowance(text)


async def test_a_question_to_the_database_that_is_stopped_leaves_no_trace(clock):
    store = BrokenStore()
    store.gate = asyncio.Event()
    quotas = Quotas(store, clock=clock)
    asked = asyncio.create_task(admitted(quotas, "10/day", 1))
    for _ in range(3):
        await asyncio.sleep(0)
    quotas._leases.copy().popitem()[1].filling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    store.gate.set()
    assert await admitted(quotas, "10/day", 20) == 10


async def test_a_database_that_is_slower_than_refusals_last_is_asked_once(clock):
    class Slow(MemoryQuotaStore):
        asked = 0

        async def take(self, row, **arguments):
            self.asked += 1
            clock.now += 5
            await asyncio.sleep(0)
            return await super().take(row, **arguments)

    store = Slow()
    quotas = Quotas(store, clock=clock)
    assert await asyncio.wait_for(admitted(quotas, "3/month", 6), 5) == 3
    assert store.asked == 4


async def test_a_stop_gives_back_what_the_one_before_had_not_yet(clock):
    class Slow(MemoryQuotaStore):
        gate = asyncio.Event()

        async def give_back(self, row, **arguments):
            await self.gate.wait()
            await super().give_back(row, **arguments)

    store = Slow()
    quotas = Quotas(store, clock=clock)
    for key in "abc":
        assert await admitted(quotas, "3200/month", 1, key=key) == 1
    giving = asyncio.create_task(quotas.give_back(idle=-1))
    await asyncio.sleep(0)
    giving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await giving
    store.gate.set()
    await quotas.stop()
    allowance = parse_allowance("3200/month")
    left = [(await quotas.usage("calls", allowance, key)).remaining for key in "abc"]
    assert sorted(left) == [3100, 3199, 3199]


@pytest.mark.parametrize("text", ["100/hour", "100/month", "100/30 days"])
async def test_a_clock_that_was_wrong_shuts_nobody_out(store, clock, text):
    process, right = Quotas(store, clock=clock), clock.now
    clock.now += 366 * 86_400
    assert await admitted(process, text, 120) == 100
    clock.now = right
    assert await admitted(process, text, 120) == 100
    assert await admitted(Quotas(store, clock=clock), text, 20) == 0
