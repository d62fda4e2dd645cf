from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.audit.fakes import AWAY, Store, event
from tests.audit.shipping.places import Place
from zenith.audit import AuditLog, AuditSettings
from zenith.audit import log as log_module
from zenith.audit.shipping import Shipper
from zenith.kernel.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ServiceUnavailableError,
)
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.one_step import one_step

SMALL = AuditSettings(queue_size=100, batch_size=10)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest_asyncio.fixture
async def log(store: Store) -> AsyncIterator[AuditLog]:
    running = AuditLog(store, SMALL)
    await running.start()
    yield running
    store.failure = None
    store.gate.set()
    await running.stop()


async def until(store: Store, count: int) -> None:
    async with asyncio.timeout(5):
        while len(await store.events()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_recorded_event_is_stored_before_the_return(store: Store) -> None:
    sink: EventSink = AuditLog(store)
    await sink.record(event(subject="ada", details={"password": "hunter2"}))
    (stored,) = await store.events()
    assert stored.event.subject == "ada"
    assert stored.event.details == {"password": "[redacted]"}


async def test_a_record_that_cannot_be_stored_is_an_error(store: Store) -> None:
    store.failure = AWAY
    with pytest.raises(ServiceUnavailableError):
        await AuditLog(store).record(event())


async def test_noted_events_are_stored_in_order_and_in_batches(log: AuditLog, store: Store) -> None:
    store.gate.clear()
    for number in range(35):
        log.note(event(subject=str(number)))
    assert await store.events() == []
    store.gate.set()
    await until(store, 35)
    assert await store.subjects() == [str(number) for number in range(35)]
    assert max(store.batches) == 10


async def test_what_is_noted_before_the_start_and_up_to_the_stop_is_stored(store: Store) -> None:
    log = AuditLog(store)
    log.note(event(subject="before"))
    await log.start()
    await log.start()
    log.note(event(subject="during"))
    await log.stop()
    await log.stop()
    assert await store.subjects() == ["before", "during"]
    log.note(event(subject="after"))
    await log.start()
    await log.stop()
    assert await store.subjects() == ["before", "during", "after"]


async def test_what_waited_for_the_start_is_not_kept_waiting(store: Store) -> None:
    log = AuditLog(store)
    log.note(event(subject="before"))
    await log.start()
    await until(store, 1)
    await log.stop()


async def test_another_thread_may_note(log: AuditLog, store: Store) -> None:
    await asyncio.sleep(0.01)  # the task waits now
    thread = threading.Thread(target=log.note, args=(event(subject="thread"),))
    thread.start()
    thread.join()
    await until(store, 1)


def test_a_log_whose_loop_is_gone_still_takes_events() -> None:
    store = Store()
    log = AuditLog(store)
    asyncio.run(log.start())
    thread = threading.Thread(target=log.note, args=(event(),))
    thread.start()
    thread.join()
    assert len(log._queue) == 1


async def test_while_the_store_is_away_events_wait(
    log: AuditLog, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_module, "FIRST_PAUSE", 0.01)
    store.failure = AWAY
    log.note(event(subject="a"))
    await asyncio.sleep(0.05)
    log.note(event(subject="b"))
    assert await store.events() == []
    assert "database: gone" in caplog.text
    store.failure = None
    await until(store, 2)
    assert await store.subjects() == ["a", "b"]


async def test_a_full_queue_counts_and_says_so(
    log: AuditLog, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.gate.clear()
    log.note(event(subject="first"))
    await asyncio.sleep(0.01)
    for _ in range(100):
        log.note(event())
    for _ in range(7):
        log.note(event(EventType.RATE_LIMITED))
    log.note(event(EventType.LOGIN_FAILED))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    store.gate.set()
    await until(store, 102)
    overflows = [
        each.event for each in await store.events() if each.event.type is EventType.AUDIT_OVERFLOW
    ]
    assert len(overflows) == 1
    assert overflows[0].severity == "CRITICAL"
    assert overflows[0].details == {
        "lost": 8,
        "by_type": {"RATE_LIMITED": 7, "LOGIN_FAILED": 1},
    }


async def test_events_that_the_store_refuses_do_not_hold_up_others(
    log: AuditLog, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.failure = BadRequestError(reason="no such value")
    log.note(event(subject="poison"))
    await asyncio.sleep(0.02)
    store.failure = None
    log.note(event(subject="fine"))
    await until(store, 1)
    assert await store.subjects() == ["fine"]
    assert '"subject":"poison"' in caplog.text


class Picky(Store):
    """Takes no batch in which somebody is refused, and none with an id that it has."""

    async def append(self, events: Sequence[Event]) -> None:
        if "poison" in [each.subject for each in events]:
            raise BadRequestError(reason="no such value")
        kept = {stored.event.event_id for stored in await self.events()}
        if kept & {each.event_id for each in events}:
            raise ConflictError(reason="UniqueViolation")
        await super().append(events)


async def test_one_that_is_refused_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    store = Picky()
    log = AuditLog(store, SMALL)
    subjects = ["poison" if number == 4 else str(number) for number in range(10)]
    for subject in subjects:
        log.note(event(subject=subject))
    await log.start()
    await until(store, 9)
    await log.stop()
    assert await store.subjects() == [each for each in subjects if each != "poison"]
    handed = [each.args for each in caplog.records if "could not be stored" in each.msg]
    assert len(handed) == 1
    assert '"subject":"poison"' in caplog.text


async def test_what_the_store_had_kept_before_its_answer_was_lost_is_no_loss(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "FIRST_PAUSE", 0.001)

    class Mute(Picky):
        """Keeps the first batch and does not say so."""

        async def append(self, events: Sequence[Event]) -> None:
            await super().append(events)
            if len(self.batches) == 1:
                raise AWAY

    store = Mute()
    log = AuditLog(store, SMALL)
    for number in range(5):
        log.note(event(subject=str(number)))
    await log.start()
    log.note(event(subject="later"))
    await until(store, 6)
    await log.stop()
    assert await store.subjects() == ["0", "1", "2", "3", "4", "later"]
    assert "could not be stored" not in caplog.text


async def test_two_events_of_one_id_are_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Picky()
    log = AuditLog(store, SMALL)
    await log.start()
    log.note(event(event_id="a" * 32, subject="first"))
    await until(store, 1)
    log.note(event(event_id="a" * 32, subject="second", at=7.0))
    await log.stop()
    assert await store.subjects() == ["first"]
    assert '"subject":"second"' in caplog.text


@pytest.mark.parametrize(
    "fields", [{"subject": 5}, {"at": "now"}, {"at": None}, {"type": "MY_OWN"}, {"reason": b"x"}]
)
async def test_what_is_no_event_is_told_and_ends_nothing(
    log: AuditLog, store: Store, fields: dict[str, Any]
) -> None:
    log.note(event(subject="before"))
    log.note(replace(event(), **fields))
    log.note(event(subject="after"))
    await until(store, 3)
    log.note(event(subject="much later"))
    await until(store, 4)
    told = [each.event for each in await store.events()]
    assert [each.subject for each in told] == ["before", None, "after", "much later"]
    assert told[1].type is EventType.UNHANDLED_ERROR
    assert told[1].reason == "something that is no event was to be recorded"


async def test_a_time_of_no_calendar_ends_nothing(store: Store, tmp_path: Path) -> None:
    """Milliseconds instead of seconds, say."""
    path = tmp_path / "audit.jsonl"
    log = AuditLog(store, AuditSettings(json_lines=path))
    await log.start()
    for at in (1_800_000_000_000.0, inf, nan, -1e300):
        log.note(event(at=at))
    await log.stop()
    assert len(await store.events()) == 4
    times = [json.loads(line)["at"] for line in path.read_text().splitlines()]
    assert times == ["1800000000000.0", "inf", "nan", "-1e+300"]


async def test_a_record_that_is_cut_off_still_reaches_every_place(tmp_path: Path) -> None:
    """A request that is given up must not keep what it did from those who watch."""
    path, place = tmp_path / "audit.jsonl", Place()
    store, shipper = Picky(), Shipper(place, queue_size=100, batch_size=10)
    log = AuditLog(store, AuditSettings(json_lines=path), shippers=[shipper])
    await log.start()
    store.gate.clear()
    recording = asyncio.create_task(log.record(event(EventType.LOGIN_FAILED, subject="eve")))
    await asyncio.sleep(0.01)
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    store.gate.set()
    await until(store, 1)
    await log.stop()
    assert await store.subjects() == ["eve"] == place.subjects
    assert path.read_text().count('"subject":"eve"') == 1


async def test_a_record_that_is_cut_off_after_it_was_stored_is_stored_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(Picky):
        """Stores at once, and says so later."""

        async def append(self, events: Sequence[Event]) -> None:
            await super().append(events)
            await asyncio.sleep(0.05)

    place, store = Place(), Slow()
    shipper = Shipper(place, queue_size=100, batch_size=10)
    log = AuditLog(store, AuditSettings(json_lines=tmp_path / "audit.jsonl"), shippers=[shipper])
    await log.start()
    recording = asyncio.create_task(log.record(event(EventType.LOGIN_FAILED, subject="eve")))
    await asyncio.sleep(0.01)
    recording.cancel()
    with pytest.raises(asyncio.CancelledError):
        await recording
    await log.stop()
    assert await store.subjects() == ["eve"]
    assert place.subjects == ["eve"]
    assert "could not be stored" not in caplog.text
    assert (tmp_path / "audit.jsonl").read_text().count('"subject":"eve"') == 1


async def test_no_record_waits_for_the_file_and_its_lines_are_written_once_it_can_be(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a full disk: nothing is left out, and the log says that it was so (ASVS 16.4.3)."""
    monkeypatch.setattr("zenith.audit.shipping.shipper.FIRST_PAUSE", 0.01)
    path = tmp_path / "audit.jsonl"
    log = AuditLog(store, AuditSettings(json_lines=path))
    await log.start()
    path.unlink()
    path.mkdir()
    await log.record(event(subject="a"))
    log.note(event(subject="b"))
    await until(store, 3)
    path.rmdir()
    await until(store, 4)
    await log.stop()
    found = [each.event for each in await store.events()]
    told = {str(each.type): each.target for each in found if each.target}
    assert told == {
        "AUDIT_SINK_FAILED": "audit.json_lines",
        "AUDIT_SINK_BACK": "audit.json_lines",
    }
    lines = [json.loads(line)["subject"] for line in path.read_text().splitlines()]
    assert lines[:2] == ["a", "b"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_is_cut_off_in_a_step_is_undone_with_it(store: Store) -> None:
    log = AuditLog(store, SMALL)
    await log.start()
    store.gate.clear()

    async def step() -> None:
        async with one_step():
            await log.record(event())

    stepping = asyncio.create_task(step())
    await asyncio.sleep(0.01)
    stepping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stepping
    store.gate.set()
    await log.stop()
    assert await store.events() == []


async def test_what_cannot_be_stored_by_the_stop_goes_to_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(store, SMALL)
    await log.start()
    store.failure = AWAY
    for number in range(25):
        log.note(event(subject=f"number {number}", details={"token": "hunter2"}))
    await log.stop()
    handed = [each.args for each in caplog.records if "could not be stored" in each.msg]
    subjects = [json.loads(str(args[0]))["subject"] for args in handed if isinstance(args, tuple)]
    assert subjects == [f"number {number}" for number in range(25)]
    assert "hunter2" not in caplog.text


async def test_a_store_that_hangs_does_not_hang_the_stop(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "STOP_TIMEOUT", 0.05)
    log = AuditLog(store, SMALL)
    await log.start()
    store.gate.clear()
    for number in range(25):
        log.note(event(subject=f"number {number}"))
    await log.stop()
    assert caplog.text.count("could not be stored") == 25


async def test_every_event_is_a_line_too(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(store, AuditSettings(json_lines=path))
    await log.record(event(subject="a"))
    await log.start()
    log.note(event(subject="b"))
    await log.stop()
    lines = [json.loads(line)["subject"] for line in path.read_text().splitlines()]
    assert lines == await store.subjects() == ["a", "b"]


async def test_a_file_that_fails_does_not_fail_what_the_store_has(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(store, AuditSettings(json_lines=tmp_path))
    await log.record(event(subject="a"))
    assert await store.subjects() == ["a"]
    assert "audit.json_lines" in caplog.text


async def test_without_a_store_the_lines_are_the_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(None, AuditSettings(json_lines=path))
    await log.start()
    await log.record(event(subject="a"))
    log.note(event(subject="b"))
    await log.stop()
    assert [json.loads(line)["subject"] for line in path.read_text().splitlines()] == ["a", "b"]
    path.unlink()
    path.mkdir()
    with pytest.raises(ServiceUnavailableError):
        await log.record(event())


async def test_without_a_store_a_note_that_fails_goes_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(None, AuditSettings(json_lines=path))
    await log.start()
    path.unlink()
    path.mkdir()
    log.note(event(subject="b"))
    await log.stop()
    assert '"subject":"b"' in caplog.text


async def test_a_log_with_nowhere_to_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        AuditLog(None)
    with pytest.raises(ConfigurationError, match="json_lines"):
        await AuditLog(None, AuditSettings(json_lines=tmp_path)).start()
