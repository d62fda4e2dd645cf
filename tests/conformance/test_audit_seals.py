"""Several processes seal one chain: each event once, in one order, whoever dies or comes late."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from tests.audit.sealed import (
    FORMER,
    SECRET,
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_template,
)
from zenith.audit.chain import SETTLED
from zenith.audit.keys import AuditKeys
from zenith.audit.seal import SealKind
from zenith.audit.settings import AuditSettings
from zenith.kernel.events import Event
from zenith.kernel.one_step import one_step
from zenith.stores.sql import SqlAuditStore

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_template"]


async def kinds(log: SealedLog) -> list[str]:
    return [str(seal.kind) for seal in await log.first.seals.seals("main", after=-1, limit=100)]


async def test_many_writers_share_one_chain(log: SealedLog) -> None:
    processes = [log.process(f"writer {number}") for number in range(8)]

    async def work(number: int) -> None:
        for _ in range(4):
            await log.write(1, processes[number])
            await log.write(2, processes[number])
            await processes[number].sealer.seal()

    await asyncio.gather(*map(work, range(8)))
    report = await log.verify()
    assert report.holds
    assert (report.events, report.awaiting) == (96, 0)
    seals = await log.first.seals.seals("main", after=-1, limit=1000)
    claimed = Counter(place for seal in seals for place, _, _ in seal.triples())
    assert len(claimed) == 96
    assert set(claimed.values()) == {1}
    assert not any(process.alarms for process in processes)


async def test_one_number_is_given_once(log: SealedLog) -> None:
    await log.sealed(1)
    (seal,) = await log.first.seals.seals("main", after=-1, limit=1)
    following = replace(seal, number=1)
    won = await asyncio.gather(*(log.first.seals.append(following) for _ in range(10)))
    assert won.count(True) == 1


async def test_what_a_dead_process_left_is_adopted_at_the_second_look(log: SealedLog) -> None:
    dead = log.process("dead")
    await log.write(3, dead)
    assert (await log.verify()).awaiting == 3
    assert [await log.first.sealer.look() for _ in range(3)] == [0, 3, 0]
    assert await kinds(log) == ["adopted"]
    assert (await log.verify()).awaiting == 0


async def test_a_process_that_was_only_slow_seals_nothing_twice(log: SealedLog) -> None:
    slow = log.process("slow")
    await log.write(3, slow)
    assert [await log.first.sealer.look() for _ in range(2)] == [0, 3]
    await log.write(1, slow)
    assert await slow.sealer.seal() == 4
    report = await log.verify()
    assert report.holds
    assert (report.events, await kinds(log)) == (4, ["adopted", "events"])


async def test_two_processes_that_adopt_at_once_seal_nothing_twice(log: SealedLog) -> None:
    await log.write(5, log.process("dead"))
    others = [log.process("a"), log.process("b")]
    for _ in range(2):
        await asyncio.gather(*(each.sealer.look() for each in others))
    report = await log.verify()
    assert report.holds
    assert (report.events, report.awaiting) == (5, 0)


async def test_a_process_that_starts_later_knows_what_is_sealed(log: SealedLog) -> None:
    await log.sealed(2, 2)
    log.now += SETTLED + 1
    await log.first.sealer.look()
    await log.sealed(2)
    later = log.process("later")
    assert [await later.sealer.look() for _ in range(3)] == [0, 0, 0]
    await log.write(1, later)
    await later.sealer.seal()
    (last,) = (await log.first.seals.seals("main", after=2, limit=5))[-1:]
    assert (last.writer, last.through, last.total) == ("later", 4, 7)
    assert (await log.verify()).holds


async def test_an_event_that_is_undone_is_not_missed(log: SealedLog) -> None:
    async def fail() -> None:
        async with one_step():
            await log.write(1)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with one_step():
        await log.write(2)
    assert await log.first.sealer.seal() == 2
    assert log.first.alarms == []
    assert (await log.verify()).events == 2


async def test_events_from_before_there_were_macs_are_sealed_first(log: SealedLog) -> None:
    old = SqlAuditStore(log.database)
    event = Event(type="LOGOUT", outcome="success", at=5.0)  # type: ignore[arg-type]
    await old.append([event] * 3)
    await log.sql("UPDATE EVENTS SET event_id = NULL")
    assert (await log.verify()).awaiting == 3
    await log.first.sealer.look()
    await log.sealed(1)
    assert await kinds(log) == ["legacy", "events"]
    report = await log.verify()
    assert report.holds
    assert report.events == 4
    await log.sql("UPDATE EVENTS SET subject = 'eve' WHERE sequence = 2")
    (found,) = await log.findings()
    assert (found.kind, found.sequence) == ("edited", 2)


async def test_later_no_event_without_a_mac_is_believed(log: SealedLog) -> None:
    await log.sealed(1)
    await log.write(1, log.process("no keys"))
    await log.sql("UPDATE EVENTS SET mac = NULL WHERE sequence = 2")
    assert [await log.first.sealer.look() for _ in range(2)] == [0, 0]
    assert log.first.alarmed == ["inserted"]


async def test_a_new_secret_leaves_old_seals_verifiable(log: SealedLog) -> None:
    former = AuditKeys([FORMER])
    process = log.process("before", former)
    await log.write(2, process)
    await process.sealer.seal()
    await log.write(1, process)
    both = AuditKeys([SECRET, FORMER])
    after = log.process("after", both)
    assert [await after.sealer.look() for _ in range(2)] == [0, 1]
    await log.write(2, after)
    await after.sealer.seal()
    assert (await log.verify(keys=both)).holds
    # What bears a key that is gone is covered by what follows under one that is known.
    assert (await log.verify(keys=AuditKeys([SECRET]))).holds
    assert not (await log.verify(keys=former)).holds


async def test_streams_do_not_see_each_other(log: SealedLog) -> None:
    other = log.process("other", AuditKeys([FORMER]), settings=AuditSettings(stream="shop"))
    await log.write(2)
    await log.write(3, other)
    await log.first.sealer.seal()
    await other.sealer.seal()
    for _ in range(3):
        assert await log.first.sealer.look() == await other.sealer.look() == 0
    assert log.first.alarms == other.alarms == []
    assert (await log.verify()).events == 2
    assert (await log.verify(keys=AuditKeys([FORMER]), stream="shop")).events == 3


async def test_pruning_leaves_proof(log: SealedLog) -> None:
    await log.sealed(2, 3)
    log.now += 1000
    await log.sealed(1)
    gone = await log.retention().prune(before=log.now - 500, by="ada")
    assert (gone.seals, gone.events, gone.through) == (2, 5, 1)
    await log.first.sealer.seal()
    report = await log.verify()
    assert report.holds
    assert (report.events, report.tombstones, report.pruned) == (2, 1, 5)
    assert await kinds(log) == ["events", "pruned", "events"]
    (stored,) = await log.first.events.page(kind="AUDIT_PRUNED")
    assert (stored.event.subject, stored.event.details["events"]) == ("ada", 5)
    assert (await log.retention().prune(before=log.now - 500)).seals == 0
    # Whoever removes the tombstone, or prunes on his own, is found.
    await log.sql("DELETE FROM SEALS WHERE number = 2")
    assert not (await log.verify()).holds


async def test_what_was_pruned_twice_still_verifies(log: SealedLog) -> None:
    for _ in range(3):
        await log.sealed(1, 1)
        log.now += 1000
        await log.sealed(1)
        await log.retention().prune(before=log.now - 500)
        await log.first.sealer.seal()
        log.now += 1000
    report = await log.verify()
    assert report.holds
    assert report.tombstones >= 1
    assert SealKind.PRUNED in await kinds(log)


async def test_many_seals_are_pruned_by_several_at_once(log: SealedLog) -> None:
    await log.sealed(*[1] * 70)
    log.now += 1000
    await log.sealed(1)
    pruned = await asyncio.gather(*(log.retention().prune(before=log.now - 500) for _ in range(3)))
    assert sum(each.events for each in pruned) == 70
    await log.first.sealer.seal()
    assert (await log.verify()).holds
