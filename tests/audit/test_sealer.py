"""Sealing beside the requests: when, how often, and what is alarmed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from tests.audit.sealed import FORMER, SealedLog, sqlite_log, sqlite_template
from zenith.audit import adoption, chain, sealer
from zenith.audit.checkpoint import Checkpoint
from zenith.audit.keys import AuditKeys
from zenith.audit.settings import AuditSettings
from zenith.kernel.errors import ServiceUnavailableError

__all__ = ["sqlite_log", "sqlite_template"]
QUICK = AuditSettings(seal_delay=0.01)


async def until(holds: Callable[[], object]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


async def test_events_are_sealed_soon_and_the_rest_at_the_end(sqlite_log: SealedLog) -> None:
    process = sqlite_log.process("a", settings=QUICK)
    await process.sealer.start()
    await process.sealer.start()
    await sqlite_log.write(2, process)
    await until(lambda: not len(process.pending))
    await sqlite_log.write(1, process)
    await process.sealer.stop()
    await process.sealer.stop()
    assert (await sqlite_log.verify()).events == 3


async def test_a_sealer_that_never_began_seals_at_its_end(sqlite_log: SealedLog) -> None:
    await sqlite_log.write(2)
    await sqlite_log.first.sealer.stop()
    assert (await sqlite_log.verify()).events == 2


async def test_a_database_that_is_gone_is_waited_for(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sealer, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(sealer, "LOOK", 0.01)
    process = sqlite_log.process("a", settings=QUICK, last_checkpoint=None)
    head, failures = process.seals.head, [3]

    async def failing(stream: str) -> object:
        if failures[0]:
            failures[0] -= 1
            raise ServiceUnavailableError(reason="database: gone")
        return await head(stream)

    monkeypatch.setattr(process.seals, "head", failing)
    await process.sealer.start()
    await sqlite_log.write(1, process)
    await until(lambda: not len(process.pending))
    await process.sealer.stop()
    assert "events wait for their seals: database: gone" in caplog.text


async def test_an_end_without_a_database_leaves_the_rest_to_others(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process = sqlite_log.first
    await sqlite_log.write(2)

    async def failing(_: object) -> object:
        raise OSError

    monkeypatch.setattr(process.seals, "head", failing)
    await process.sealer.stop()
    assert "2 events will be sealed by others" in caplog.text


async def test_checkpoints_come_with_seals_and_with_time(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "LOOK", 0.01)
    settings = AuditSettings(seal_delay=0.01, checkpoint_seals=2, checkpoint_interval=100)
    process = sqlite_log.process("a", settings=settings)
    for _ in range(5):
        await sqlite_log.write(1, process)
        await process.sealer.seal()
    assert [each.number for each in process.checkpoints] == [0, 2, 4]
    assert await process.sealer.checkpoint() is None
    await sqlite_log.write(1, process)
    await process.sealer.seal()
    await process.sealer.start()
    sqlite_log.now += 101
    await until(lambda: len(process.checkpoints) == 4)
    await process.sealer.stop()
    assert process.checkpoints[-1].total == 6
    assert (await sqlite_log.verify(process.checkpoints)).checkpoints == 4


async def test_a_checkpoint_that_cannot_be_kept_stops_nothing(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process = sqlite_log.first

    async def full(_: Checkpoint) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(process.sealer, "_places", (full,))
    await sqlite_log.sealed(1, 1)
    assert "No space left" in caplog.text
    assert (await sqlite_log.verify()).events == 2


async def compared(log: SealedLog, last: Checkpoint | None) -> Sequence[str]:
    async def given() -> Checkpoint | None:
        return last

    process = log.process("again", last_checkpoint=given)
    await process.sealer.compare()
    return process.alarmed


async def test_the_start_compares_the_chain_with_its_last_checkpoint(
    sqlite_log: SealedLog,
) -> None:
    log = sqlite_log
    await log.sealed(1, 1)
    point = await log.checkpoint()
    assert await compared(log, None) == []
    assert await compared(log, point) == []
    assert await compared(log, replace(point, number=0)) == ["bad checkpoint"]
    await log.sql("UPDATE SEALS SET hash = previous WHERE number = 1")
    assert await compared(log, point) == ["forked"]
    await log.sql("DELETE FROM SEALS WHERE number = 1")
    assert await compared(log, point) == ["truncated"]


async def test_the_comparison_is_repeated_until_there_is_a_database(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "FIRST_PAUSE", 0.01)
    asked: list[int] = []

    async def given() -> Checkpoint | None:
        asked.append(1)
        if len(asked) < 3:
            raise OSError
        return None

    process = sqlite_log.process("a", settings=QUICK, last_checkpoint=given)
    await process.sealer.start()
    await until(lambda: len(asked) == 3)
    await process.sealer.stop()


async def test_damage_is_alarmed_once(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    await log.sealed(1)
    await log.write(1, log.process("b", AuditKeys([FORMER])))
    for _ in range(4):
        await log.first.sealer.look()
    assert log.first.alarmed == ["inserted"]
    assert log.first.alarms[0].details["count"] == 1


async def test_a_long_chain_is_read_back_only_as_far_as_is_needed(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "PAGE", 4)
    monkeypatch.setattr(chain, "OVERLAP", 1.0)
    log = sqlite_log
    await log.sealed(*[1] * 20)
    log.now += 1000
    await log.first.sealer.look()
    await log.sealed(*[1] * 3)
    later = log.process("later")
    asked: list[int] = []
    seals = later.seals.seals

    async def counted(stream: str, *, after: int, limit: int) -> object:
        asked.append(after)
        return await seals(stream, after=after, limit=limit)

    monkeypatch.setattr(later.seals, "seals", counted)
    assert [await later.sealer.look() for _ in range(2)] == [0, 0]
    assert min(asked) > 10
    await log.write(1, later)
    await later.sealer.seal()
    # What others added meanwhile, several pages of it, is read as well.
    await log.sealed(*[1] * 9)
    await log.write(1, later)
    await later.sealer.seal()
    report = await log.verify()
    assert report.holds
    assert report.events == 34


async def test_a_forged_end_does_not_hide_what_awaits_its_seal(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    await log.sealed(1)
    await log.write(1, log.process("dead"))
    await log.sql("UPDATE SEALS SET through = 1000")
    later = log.process("later")
    # What such a seal claims is sealed anew, too.
    assert [await later.sealer.look() for _ in range(2)] == [0, 2]
    assert later.alarmed == ["bad seal"]


async def test_more_inserted_rows_than_are_remembered_end_no_look(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adoption, "MAX_REFUSED", 2)
    log = sqlite_log
    await log.sealed(1)
    await log.write(5, log.process("b", AuditKeys([FORMER])))
    for _ in range(4):
        assert await log.first.sealer.look() == 0
    assert log.first.alarms[0].details["count"] == 5
