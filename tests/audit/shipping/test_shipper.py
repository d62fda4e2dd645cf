"""The queue to one receiver: bounded, patient, and honest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.audit.fakes import Store, event
from tests.audit.shipping.places import Place
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.shipping import DeliveryError, Receiver, Shipper, shipper
from zenith.kernel.events import Event, EventType

GONE = DeliveryError("no answer in time")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper, "FIRST_PAUSE", 0.002)
    monkeypatch.setattr(shipper, "LONGEST_PAUSE", 0.004)
    monkeypatch.setattr(shipper, "PATIENCE", 0.05)
    monkeypatch.setattr(shipper, "STOP_TIMEOUT", 0.1)


class Run:
    def __init__(self, queue_size: int = 10, batch_size: int = 4) -> None:
        self.place = Place()
        self.told: list[Event] = []
        self.now = 0.0
        self.shipper = Shipper(
            self.place,
            queue_size=queue_size,
            batch_size=batch_size,
            clock=lambda: 77.0,
            steady=lambda: self.now,
        )

    def start(self) -> None:
        self.shipper.start(self.told.append)

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    def kinds(self) -> list[str]:
        return [str(each.type) for each in self.told]


@pytest_asyncio.fixture
async def run() -> AsyncIterator[Run]:
    running = Run()
    yield running
    running.place.gate.set()
    await running.shipper.stop()


def numbered(*numbers: int, kind: EventType = EventType.LOGIN_SUCCESS) -> list[Event]:
    return [event(kind, subject=str(number), at=1000.0 + number) for number in numbers]


async def test_events_arrive_in_order_and_in_batches(run: Run) -> None:
    _: Receiver = run.place
    run.shipper.offer(numbered(*range(6)))
    run.start()
    run.start()
    await run.until(lambda: len(run.place.taken) == 6)
    assert run.place.subjects == [str(number) for number in range(6)]
    assert run.place.batches == [4, 2]
    assert run.told == []
    await run.shipper.stop()
    assert run.place.closed
    await run.shipper.stop()


async def test_a_receiver_that_is_gone_gets_everything_when_it_is_back(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    run.place.failure = GONE
    run.start()
    run.shipper.offer(numbered(1, 2))
    await run.until(lambda: run.place.attempts > 3)
    assert run.kinds() == ["AUDIT_SINK_FAILED"]
    failed = run.told[0]
    assert (failed.target, failed.reason, failed.severity) == ("place", GONE.reason, "CRITICAL")
    assert "place does not take events: no answer in time" in caplog.text
    run.place.failure = None
    await run.until(lambda: run.place.subjects == ["1", "2"])
    await run.until(lambda: len(run.told) == 2)
    assert run.kinds() == ["AUDIT_SINK_FAILED", "AUDIT_SINK_BACK"]
    assert (run.told[1].severity, run.told[1].details) == ("INFO", {"lost": 0})


async def test_what_the_queue_cannot_hold_is_counted_and_told(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    run.place.failure = GONE
    run.start()
    run.shipper.offer(numbered(0))
    await run.until(lambda: run.told)
    run.shipper.offer(numbered(*range(1, 12)))
    run.shipper.offer(numbered(50, kind=EventType.CSRF_REFUSED))
    assert caplog.text.count("loses events from now on: its queue is full") == 1
    run.place.failure = None
    await run.until(lambda: len(run.told) == 2)
    back = run.told[1]
    assert (back.type, back.severity) == (EventType.AUDIT_SINK_BACK, "WARNING")
    assert back.details == {
        "lost": 3,
        "by_type": {"LOGIN_SUCCESS": 2, "CSRF_REFUSED": 1},
        "from": 1010.0,
        "to": 1050.0,
    }
    await run.until(lambda: len(run.place.taken) == 10)


async def test_long_failures_are_told_once_a_minute(run: Run) -> None:
    run.place.failure = GONE
    run.start()
    run.shipper.offer(numbered(*range(12)))
    await run.until(lambda: run.place.attempts > 2)
    assert len(run.told) == 1
    run.now = 60.0
    await run.until(lambda: len(run.told) == 2)
    assert run.told[0].details["lost"] == 2
    assert run.told[1].details == {"lost": 0}


async def test_one_that_works_but_is_too_slow_is_told_too(run: Run) -> None:
    run.place.gate.clear()
    run.start()
    run.shipper.offer(numbered(*range(14)))
    run.place.gate.set()
    await run.until(lambda: len(run.place.taken) == 10)
    assert run.kinds() == ["AUDIT_SINK_FAILED"]
    assert (run.told[0].reason, run.told[0].details["lost"]) == ("its queue was full", 4)


async def test_the_logs_own_task_waits_for_room_while_the_receiver_works(run: Run) -> None:
    run.place.gate.clear()
    run.start()
    await run.shipper.take(numbered(*range(10)))
    waiting = asyncio.create_task(run.shipper.take(numbered(10, 11)))
    await asyncio.sleep(0.005)
    assert not waiting.done()
    run.place.gate.set()
    await waiting
    await run.until(lambda: len(run.place.taken) == 12)
    assert run.told == []


async def test_the_wait_has_an_end(run: Run) -> None:
    run.place.gate.clear()
    run.start()
    await run.shipper.take(numbered(*range(10)))
    await run.shipper.take(numbered(10))
    run.place.gate.set()
    await run.until(lambda: run.told)
    assert run.told[0].details["lost"] == 1


async def test_nobody_waits_for_one_that_is_gone_or_not_started(run: Run) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await run.shipper.take(numbered(*range(20)))
    run.place.failure = GONE
    run.start()
    await run.until(lambda: run.told)
    for _ in range(20):
        await run.shipper.take(numbered(1))
    assert loop.time() - begun < 0.5


async def test_one_event_that_is_refused_takes_no_other_with_it(run: Run) -> None:
    run.place.poison = "5"
    run.shipper.offer(numbered(*range(8)))
    run.start()
    await run.until(lambda: len(run.place.taken) == 7)
    assert run.place.subjects == ["0", "1", "2", "3", "4", "6", "7"]
    await run.until(lambda: run.told)
    assert run.told[0].reason == "status 422"
    assert run.told[0].details["by_type"] == {"LOGIN_SUCCESS": 1}


async def test_a_receiver_of_anybodys_make_may_break(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    run.place.failure = RuntimeError("of its own")
    run.start()
    run.shipper.offer(numbered(1))
    await run.until(lambda: run.told)
    assert run.told[0].reason == "RuntimeError"
    run.place.failure = None
    await run.until(lambda: run.place.subjects == ["1"])
    assert "of its own" in caplog.text


async def test_it_is_left_alone_for_as_long_as_it_asks(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipper, "LONGEST_PAUSE", 30.0)
    run.place.failure = DeliveryError("status 429", wait=20.0)
    run.start()
    run.shipper.offer(numbered(1))
    await run.until(lambda: run.told)
    await asyncio.sleep(0.02)
    assert run.place.attempts == 1


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_stop_does_not_wait_for_ever_and_says_what_is_left(
    run: Run, hangs: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run.place.failure = GONE
    if hangs:
        run.place.gate.clear()
    run.start()
    run.shipper.offer(numbered(*range(3)))
    await run.until(lambda: run.place.attempts)
    caplog.set_level(logging.ERROR, "zenith.audit")
    await run.shipper.stop()
    assert "place: not delivered: {'lost': 3" in caplog.text
    assert run.place.closed


async def test_a_stop_between_the_halves_of_a_batch_ends_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deliver(events: Any) -> None:
        run.place.attempts += 1
        raise GONE if len(events) < 4 else DeliveryError("status 413", is_final=True)

    monkeypatch.setattr(run.place, "deliver", deliver)
    run.shipper.offer(numbered(*range(4)))
    run.start()
    await run.until(lambda: run.place.attempts > 2)
    await run.shipper.stop()
    assert run.shipper._account() == {
        "lost": 4, "by_type": {"LOGIN_SUCCESS": 4}, "from": 1000.0, "to": 1003.0
    }  # fmt: skip


async def test_what_a_receiver_leaves_out_is_counted_and_the_rest_not_sent_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deliver(events: Any) -> None:
        run.place.attempts += 1
        if run.place.attempts == 1:
            raise DeliveryError("9 of 4 rejected", rejected=9)

    monkeypatch.setattr(run.place, "deliver", deliver)
    run.shipper.offer(numbered(*range(6)))
    run.start()
    await run.until(lambda: run.place.attempts == 2)
    assert run.kinds() == ["AUDIT_SINK_FAILED"]
    assert run.told[0].reason == "9 of 4 rejected"
    assert run.told[0].details == {
        "lost": 4, "by_type": {"unnamed": 4}, "from": 1000.0, "to": 1003.0
    }  # fmt: skip


async def test_the_log_hands_on_what_it_stored(tmp_path: Any) -> None:
    place, store = Place(), Store()
    log = AuditLog(
        store,
        AuditSettings(json_lines=tmp_path / "log"),
        shippers=[Shipper(place, queue_size=100, batch_size=10)],
    )
    await log.start()
    log.note(event(subject="noted"))
    await log.record(event(subject="recorded", details={"token": "x"}))
    await log.stop()
    assert sorted(map(str, place.subjects)) == ["noted", "recorded"]
    ids = {stored.event.event_id for stored in await store.events()}
    assert {each.event_id for each in place.taken} == ids
    assert len((tmp_path / "log").read_bytes().splitlines()) == 2


async def test_what_is_not_stored_is_not_handed_on() -> None:
    place, store = Place(), Store()
    log = AuditLog(store, shippers=[Shipper(place, queue_size=100, batch_size=10)])
    await log.start()
    store.failure = RuntimeError("no")
    with pytest.raises(RuntimeError):
        await log.record(event(subject="never"))
    store.failure = None
    await log.stop()
    assert place.taken == []


async def test_without_a_store_the_lines_are_handed_on(tmp_path: Any) -> None:
    place = Place()
    log = AuditLog(
        None,
        AuditSettings(json_lines=tmp_path / "log"),
        shippers=[Shipper(place, queue_size=100, batch_size=10)],
    )
    await log.start()
    await log.record(event(subject="recorded"))
    await log.stop()
    assert place.subjects == ["recorded"]
    assert len((tmp_path / "log").read_bytes().splitlines()) == 1


async def test_a_receiver_that_fails_is_in_the_log_itself() -> None:
    place, store = Place(), Store()
    place.failure = GONE
    log = AuditLog(store, shippers=[Shipper(place, queue_size=100, batch_size=10)])
    await log.start()
    await log.record(event(subject="ada"))
    async with asyncio.timeout(5):
        while len(await store.events()) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    place.failure = None
    async with asyncio.timeout(5):
        while not place.taken:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    await log.stop()
    kinds = [str(stored.event.type) for stored in await store.events()]
    assert kinds[:2] == ["LOGIN_SUCCESS", "AUDIT_SINK_FAILED"]
