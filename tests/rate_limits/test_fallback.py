from __future__ import annotations

import asyncio
import logging

import pytest

from zenith.rate_limits import FallbackStore, Hit, Limit, RateLimitSettings, RateLimitStoreError
from zenith.rate_limits.debts import Debts
from zenith.stores.memory import MemoryRateLimitStore


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class FlakyStore:
    def __init__(self, clock):
        self.works = MemoryRateLimitStore(clock=clock)
        self.fails = False
        self.asked = 0
        self.gate = None

    async def hit(self, hits):
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.fails:
            raise RateLimitStoreError(reason="redis: TimeoutError")
        return await self.works.hit(hits)


def make(**values):
    clock = Clock()
    shared = FlakyStore(clock)
    store = FallbackStore(
        shared,
        local=MemoryRateLimitStore(clock=clock),
        settings=RateLimitSettings(**values),
        clock=clock,
    )
    return store, shared, clock


async def admitted(store, limit, count, cost=1):
    usages = [(await store.hit([Hit(limit, "a", cost)]))[0] for _ in range(count)]
    return sum(usage.allowed for usage in usages)


async def test_while_all_is_well_the_shared_counters_count():
    store, shared, _ = make()
    assert await admitted(store, Limit(8, 60), 20) == 8
    assert shared.asked == 20
    assert store.is_shared


async def test_local_counts_a_share_of_each_limit(caplog):
    store, shared, _ = make()
    shared.fails = True
    assert await admitted(store, Limit(8, 60), 20) == 2
    assert shared.asked == 1
    assert not store.is_shared
    assert await admitted(store, Limit(1, 60), 20) == 1
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "TimeoutError" in errors[0].message
    assert "25%" in errors[0].message


async def test_a_hit_dearer_than_the_share_is_still_possible():
    store, shared, _ = make()
    shared.fails = True
    assert await admitted(store, Limit(8, 60), 3, cost=6) == 1
    assert await admitted(store, Limit(8, 60), 3, cost=9) == 0


async def test_closed_refuses(caplog):
    store, shared, _ = make(on_failure="closed", retry_interval=7.0)
    shared.fails = True
    for _ in range(3):
        with pytest.raises(RateLimitStoreError) as caught:
            await store.hit([Hit(Limit(8, 60), "a")])
    assert caught.value.status == 503
    assert caught.value.retry_after == 7
    assert shared.asked == 1
    assert "503" in caplog.text


async def test_open_admits_all_and_says_so(caplog):
    store, shared, _ = make(on_failure="open", allow_unlimited_on_failure=True)
    shared.fails = True
    assert await admitted(store, Limit(8, 60), 20) == 20
    assert "NOTHING IS LIMITED" in caplog.text


async def test_recovery_is_tried_now_and_then_and_told_once(caplog):
    store, shared, clock = make()
    shared.fails = True
    await admitted(store, Limit(8, 60), 1)
    clock.now += 0.99
    await admitted(store, Limit(8, 60), 1)
    assert shared.asked == 1
    clock.now += 0.01
    await admitted(store, Limit(8, 60), 5)
    assert shared.asked == 2
    clock.now += 1
    shared.fails = False
    await admitted(store, Limit(8, 60), 5)
    # Once more than there were hits: to charge what was admitted meanwhile.
    assert shared.asked == 8
    assert store.is_shared
    assert [r.levelname for r in caplog.records] == ["ERROR", "WARNING"]
    shared.fails = True
    await admitted(store, Limit(8, 60), 5)
    assert [r.levelname for r in caplog.records] == ["ERROR", "WARNING", "ERROR"]


async def test_only_one_request_tries_a_slow_store():
    store, shared, clock = make()
    shared.fails = True
    await admitted(store, Limit(8, 60), 1)
    shared.fails, shared.gate = False, asyncio.Event()
    clock.now += 1
    trial = asyncio.ensure_future(admitted(store, Limit(8, 60), 1))
    await asyncio.sleep(0)
    assert await admitted(store, Limit(8, 60), 5) == 1
    assert shared.asked == 2
    shared.gate.set()
    assert await trial == 1
    assert store.is_shared


class Sink:
    def __init__(self):
        self.events = []

    def note(self, event):
        self.events.append(event)


async def test_the_loss_of_the_counters_is_recorded_once_and_so_is_their_return():
    clock, sink = Clock(), Sink()
    shared = FlakyStore(clock)
    settings = RateLimitSettings(local_share=0.5)
    local = MemoryRateLimitStore(clock=clock)
    store = FallbackStore(shared, local=local, settings=settings, events=sink, clock=clock)
    for fails in (False, True, True, True, False, False):
        shared.fails = fails
        clock.now += 2
        await store.hit([Hit(Limit(8, 60), "a")])
    lost, back = sink.events
    assert (lost.type, lost.outcome, lost.severity) == ("RATE_COUNTERS_LOST", "error", "ERROR")
    assert lost.reason == "redis: TimeoutError"
    assert lost.details == {"on_failure": "local", "local_share": 0.5}
    assert (back.type, back.outcome, back.severity) == ("RATE_COUNTERS_BACK", "success", "WARNING")


async def test_costs_that_vary_are_counted_together_while_the_store_is_away():
    store, shared, _ = make(local_share=0.25)
    shared.fails = True
    limit = Limit(20, 60)
    passed = [cost for cost in (9, 8, 7, 6, 5, 4) if await admitted(store, limit, 1, cost)]
    assert passed == [9]
    assert await admitted(store, limit, 9) == 0


async def test_a_failure_gives_nobody_a_fresh_share():
    store, shared, clock = make(local_share=0.25)
    limit = Limit(20, 60, "fixed_window")
    assert await admitted(store, limit, 3) == 3
    shared.fails = True
    assert await admitted(store, limit, 10) == 2
    shared.fails = False
    clock.now += 1
    # All three of before and two of meanwhile are known to all.
    assert await admitted(store, limit, 30) == 15
    shared.fails = True
    assert await admitted(store, limit, 10) == 0
    clock.now += 61
    assert await admitted(store, limit, 10) == 5


async def test_what_the_window_has_forgotten_is_not_owed():
    store, shared, clock = make(local_share=0.5)
    limit = Limit(10, 60, "fixed_window")
    shared.fails = True
    assert await admitted(store, limit, 10) == 5
    clock.now += 60
    assert await admitted(store, limit, 1) == 1
    shared.fails = False
    clock.now += 1
    assert await admitted(store, limit, 20) == 9
    shared.fails = True
    await admitted(store, Limit(4, 60, name="another"), 1)
    clock.now += 60
    shared.fails = False
    assert await admitted(store, Limit(4, 60, name="another"), 10) == 4


async def test_a_client_who_is_just_paying_counts_alone_meanwhile():
    store, shared, clock = make(local_share=0.25)
    limit = Limit(20, 60)
    shared.fails = True
    await admitted(store, limit, 4)
    shared.fails, shared.gate = False, asyncio.Event()
    clock.now += 1
    first = asyncio.ensure_future(admitted(store, limit, 1))
    await asyncio.sleep(0)
    clock.now += 1
    assert await admitted(store, limit, 5) == 1
    shared.gate.set()
    assert await first == 1
    assert await admitted(store, limit, 30) == 20 - 4 - 1 - 1


async def test_a_payment_that_fails_is_still_owed():
    store, shared, clock = make(local_share=0.25)
    limit = Limit(20, 60)
    shared.fails = True
    await admitted(store, limit, 5)
    clock.now += 1
    assert await admitted(store, limit, 1) == 0
    shared.fails = False
    clock.now += 1
    assert await admitted(store, limit, 30) == 15


async def test_of_too_many_debtors_the_oldest_is_forgotten():
    clock = Clock()
    debts, shared = Debts(clock, maximum=2), MemoryRateLimitStore(clock=clock)
    limit = Limit(5, 60)
    for name in ("a", "b", "a", "c"):
        debts.owe([Hit(limit, name, 2)])
    left = {}
    for name in ("a", "b", "c"):
        await debts.pay([Hit(limit, name)], shared)
        left[name] = (await shared.hit([Hit(limit, name)]))[0].remaining
    assert left == {"a": 0, "b": 4, "c": 2}
    assert not debts


async def test_what_is_granted_while_a_payment_fails_is_owed_too():
    clock = Clock()
    debts, limit = Debts(clock), Limit(10, 60)

    class Fails(MemoryRateLimitStore):
        async def hit(self, hits):
            debts.owe([Hit(limit, "a", 3)])
            raise RateLimitStoreError(reason="away")

    debts.owe([Hit(limit, "a", 2), Hit(limit, "b", 1)])
    with pytest.raises(RateLimitStoreError):
        await debts.pay([Hit(limit, "a"), Hit(limit, "b")], Fails())
    shared = MemoryRateLimitStore(clock=clock)
    await debts.pay([Hit(limit, "a"), Hit(limit, "b")], shared)
    usages = await shared.hit([Hit(limit, "a"), Hit(limit, "b")])
    assert [usage.remaining for usage in usages] == [10 - 2 - 3 - 1, 10 - 1 - 1]
