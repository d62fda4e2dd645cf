"""Attack: forge the chain by which the audit log is proven, without the application's secret.

An intruder who may write to the database knows the format, and computes hashes like everybody else.
He appends seals under keys of his own and lets genuine ones follow them, buries a beginning under a
tombstone of his own, writes seals that cannot be read, and puts events where nobody looks. Nothing
of it is believed, nothing of it stops a server, a pruning or a verification (ASVS 16.4.2, 16.5.3).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from tests.audit.sealed import (
    FORMER,
    SECRET,
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_log,
    sqlite_template,
)
from zenith.audit.errors import BrokenLogError
from zenith.audit.key_order import CHANGE
from zenith.audit.keys import AuditKeys
from zenith.audit.record import SEQUENCE, leaf
from zenith.audit.seal import Entry, Seal, SealKind, Tombstone, pack
from zenith.audit.search import AuditQuery
from zenith.kernel.errors import ServiceUnavailableError
from zenith.stores.sql.schema import audit_seals

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_log", "sqlite_template"]
FORGED_ID = "ef" * 16
INSERT = (
    "INSERT INTO EVENTS (type, outcome, severity, at, scheme, reason, details, event_id, subject) "
    "VALUES ('LOGIN_SUCCESS', 'success', 'INFO', 5, '', '', '{}', :id, 'eve')"
)
COLUMNS = [column.name for column in audit_seals.c]


async def chain(log: SealedLog) -> list[Seal]:
    return list(await log.first.seals.seals("main", after=-1, limit=1000))


async def forge(log: SealedLog, **wanted: Any) -> Seal:
    """Append a seal whose hash is right and whose MAC is not."""
    last = (await chain(log))[-1]
    values = {
        "number": last.number + 1,
        "kind": "events",
        "previous": last.hash,
        "key_id": "ee" * 8,
        "writer": "eve",
        "entries": b"",
        "mac": b"m" * 32,
    }
    forged = replace(last, **(values | wanted))  # type: ignore[arg-type]  # on purpose
    forged = replace(forged, hash=forged.digest())
    async with log.database.transaction() as connection:
        into = f"INSERT INTO {audit_seals.name} ({', '.join(COLUMNS)}) "
        names = ", ".join(f":{name}" for name in COLUMNS)
        row = {name: getattr(forged, name) for name in COLUMNS}
        await connection.execute(text(f"{into} VALUES ({names})"), row)
    return forged


async def forged_event(log: SealedLog) -> Seal:
    """An event that nobody wrote, under a seal that nobody made."""
    await log.sql(INSERT, id=FORGED_ID)
    (row,) = await log.first.seals.records_of("main", [FORGED_ID])
    entry = Entry(row[SEQUENCE], bytes.fromhex(FORGED_ID), leaf(row))
    return await forge(log, entries=pack([entry]))


async def found(log: SealedLog, **more: Any) -> set[tuple[str, int | None, int | None]]:
    report = await log.verify(**more)
    return {(str(each.kind), each.sequence, each.seal) for each in report.findings}


async def test_an_event_under_a_seal_of_another_key_is_found(log: SealedLog) -> None:
    """Genuine seals that follow it cover it by the chain of hashes as if its key were gone."""
    await log.sealed(2, 2)
    forged = await forged_event(log)
    await log.sealed(1, 1)
    assert log.first.alarmed == ["bad seal"]
    assert await found(log) == {("bad seal", None, forged.number), ("inserted", 5, None)}
    with pytest.raises(BrokenLogError):
        await log.retention().prune(before=log.now)


async def test_a_key_that_nobody_knows_is_alarmed_once(log: SealedLog) -> None:
    await log.sealed(1)
    for _ in range(3):
        await forge(log)
        await log.sealed(1)
    assert log.first.alarmed == ["bad seal"]
    assert "eeeeeeeeeeeeeeee" in log.first.alarms[0].reason


async def test_a_seal_that_was_put_there_while_no_server_ran_is_alarmed(log: SealedLog) -> None:
    await log.sealed(2)
    await log.write(1, log.process("dead"))
    await forge(log, through=1 << 62, kind="legacy", entries=pack([Entry(3, b"i" * 16, b"d" * 32)]))
    await log.sql(INSERT, id=FORGED_ID)
    later = log.process("later")
    # What it claims is sealed anew, and what has no MAC is not taken for older than MACs are.
    assert [await later.sealer.look() for _ in range(2)] == [0, 1]
    assert later.alarmed == ["bad seal", "inserted"]
    assert ("inserted", 4, None) in await found(log)


async def test_places_cannot_be_sealed_in_advance(log: SealedLog) -> None:
    await log.sealed(2)
    future = [Entry(place, b"i" * 16, b"d" * 32) for place in range(3, 50)]
    await forge(log, entries=pack(future))
    await log.sealed(1)
    later = log.process("later")
    await log.write(3, later)
    await later.sealer.seal()
    assert (await log.verify()).events == 6
    assert (await log.verify()).awaiting == 0


async def test_a_forged_tombstone_excuses_nothing(log: SealedLog) -> None:
    await log.sealed(2, 2, 2)
    seals = await chain(log)
    stone = Tombstone(
        through=1,
        seals=2,
        events=4,
        first_at=1.0,
        last_at=2.0,
        before=3.0,
        last_hash=seals[1].hash,
        digest=b"d" * 32,
    )
    await forge(log, kind="pruned", entries=stone.packed())
    await log.sealed(1)
    await log.sql("DELETE FROM SEALS WHERE number <= 1")
    await log.sql("DELETE FROM EVENTS WHERE sequence <= 4")
    assert await found(log) == {("bad seal", None, 3), ("truncated", None, 2)}


@pytest.mark.parametrize(
    "wanted",
    [
        {"entries": b"x" * 55},
        {"entries": b"x" * 55, "kind": "missing"},
        {"entries": b"x", "kind": "pruned"},
        {"entries": b"x" * 55, "key_id": AuditKeys([SECRET]).key_id},
        {"number": 50},
    ],
)
async def test_a_seal_that_cannot_be_read_stops_nothing(
    log: SealedLog, wanted: dict[str, Any]
) -> None:
    await log.sealed(2)
    forged = await forge(log, **wanted)
    later = log.process("later")
    for process in (log.first, later):
        await log.write(1, process)
        await process.sealer.seal()
        await process.sealer.look()
    assert "bad seal" in log.first.alarmed
    assert ("bad seal", None, forged.number) in await found(log)
    log.now += 1000
    with pytest.raises(BrokenLogError):
        await log.retention().prune(before=log.now - 1)


@pytest.mark.parametrize(
    "change",
    [
        "mac = 'text'",
        "mac = 7",
        "hash = 'text'",
        "hash = x'00'",
        "total = 'x'",
        "at = 'x'",
        "key_id = upper(key_id)",
        "key_id = ' ' || key_id",
    ],
)
async def test_an_end_that_only_sqlite_can_hold_stops_nothing(
    sqlite_log: SealedLog, change: str
) -> None:
    log = sqlite_log
    await log.sealed(2, 2)
    await log.sql("UPDATE SEALS SET CHANGE WHERE number = 1", CHANGE=change)
    later = log.process("later")
    for process in (log.first, later):
        await log.write(1, process)
        await process.sealer.seal()
    assert "bad seal" in later.alarmed
    assert ("bad seal", None, 1) in await found(log)
    assert (await log.verify()).awaiting == 0


@pytest.mark.parametrize("change", ["hash = ''", "hash = previous"])
async def test_an_end_that_was_changed_stops_nothing(log: SealedLog, change: str) -> None:
    await log.sealed(2, 2)
    await log.sql("UPDATE SEALS SET CHANGE WHERE number = 1", CHANGE=change)
    await log.sealed(1)
    assert "bad seal" in log.first.alarmed
    assert ("bad seal", None, 1) in await found(log)


@pytest.mark.parametrize("number", ["1.5", "'one'", "-5", "-9223372036854775808"])
async def test_a_seal_with_a_number_that_no_chain_has_stops_nothing(
    log: SealedLog, number: str
) -> None:
    if log.database.dialect == "postgresql" and not number.startswith("-"):
        pytest.skip("PostgreSQL keeps only numbers there")
    await log.sealed(1, 1, 1)
    columns = ", ".join(COLUMNS)
    values = columns.replace("number", "NUMBER")
    await log.sql(
        "INSERT INTO SEALS (ALL) SELECT VALUES FROM SEALS WHERE number = 0",
        ALL=columns,
        VALUES=values.replace("NUMBER", number),
    )
    await log.sealed(1)
    assert log.first.alarms == []
    report = await log.verify()
    assert [str(each.kind) for each in report.findings] == ["bad seal"]
    assert number.strip("'") in report.findings[0].reason
    log.now += 1000
    gone = await asyncio.wait_for(log.retention().prune(before=log.now - 1), 20)
    assert gone.seals == 4


async def test_where_no_number_is_left_events_wait_and_that_is_said(log: SealedLog) -> None:
    await log.sealed(1)
    await forge(log, number=(1 << 63) - 1)
    await log.write(1)
    with pytest.raises(ServiceUnavailableError):
        await log.first.sealer.seal()
    assert "bad seal" in log.first.alarmed
    await log.sql("DELETE FROM SEALS WHERE number > 1")
    assert await log.first.sealer.seal() == 1
    assert (await log.verify()).holds


async def test_an_event_below_all_places_is_found(log: SealedLog) -> None:
    await log.sealed(3)
    await log.sql(INSERT, id=FORGED_ID)
    await log.sql("UPDATE EVENTS SET sequence = -7 WHERE event_id = :id", id=FORGED_ID)
    await log.sql("UPDATE EVENTS SET sequence = -9223372036854775808 WHERE sequence = 2")
    assert await found(log) == {("inserted", -7, None), ("reordered", -(1 << 63), None)}


async def test_an_event_in_a_stream_that_nobody_verifies_is_not_shown(log: SealedLog) -> None:
    await log.sealed(2)
    await log.sql(INSERT, id=FORGED_ID)
    await log.sql("UPDATE EVENTS SET stream = 'ghost' WHERE event_id = :id", id=FORGED_ID)
    for query in (AuditQuery(), AuditQuery(subject="eve"), AuditQuery(event_id=FORGED_ID)):
        shown = await log.first.events.search(query)
        assert "eve" not in {each.event.subject for each in shown}
        counted = await log.first.events.counts(query, span=60.0, most=100)
        assert sum(each.count for each in counted) == len(shown)


async def test_an_event_that_was_pruned_and_comes_back_is_found(log: SealedLog) -> None:
    await log.sealed(2)
    await log.sql("CREATE TABLE kept AS SELECT * FROM EVENTS WHERE sequence = 1")
    log.now += 1000
    await log.sealed(1)
    assert (await log.retention().prune(before=log.now - 500)).events == 2
    await log.first.sealer.seal()
    await log.sql("UPDATE kept SET sequence = 900")
    await log.sql("INSERT INTO EVENTS SELECT * FROM kept")
    await log.sql("DROP TABLE kept")
    assert await found(log) == {("inserted", 900, None)}


async def test_a_beginning_that_was_cut_off_is_not_passed_over_by_pruning(log: SealedLog) -> None:
    """A tombstone of what was left would account for what somebody had removed before."""
    await log.sealed(2, 2, 2, 2)
    log.now += 1000
    await log.sealed(1)
    await log.sql("DELETE FROM SEALS WHERE number < 2")
    await log.sql("DELETE FROM EVENTS WHERE sequence <= 4")
    with pytest.raises(BrokenLogError) as error:
        await log.retention().prune(before=log.now - 500)
    assert error.value.seal == 2
    assert await found(log) == {("truncated", None, 2)}


async def test_a_beginning_that_is_cut_between_two_prunings_is_noticed(log: SealedLog) -> None:
    await log.sealed(*[1] * 6)
    await log.retention().prune(before=log.now - 4)
    await log.first.sealer.seal()
    await log.sql("DELETE FROM SEALS WHERE number = 2")
    await log.sql("DELETE FROM EVENTS WHERE sequence = 3")
    with pytest.raises(BrokenLogError):
        await log.retention().prune(before=log.now - 2)
    assert not (await log.verify()).holds


async def test_nothing_is_pruned_behind_a_forged_end(log: SealedLog) -> None:
    await log.sealed(1, 1, 1)
    await forge(log)
    with pytest.raises(BrokenLogError):
        await log.retention().prune(before=log.now - 1)
    assert (await log.verify()).events == 3


async def test_a_log_that_is_emptied_under_a_server_takes_no_event_without_a_mac(
    log: SealedLog,
) -> None:
    await log.sealed(2)
    await log.sql("DELETE FROM SEALS")
    await log.sql("DELETE FROM EVENTS")
    await log.sql(INSERT, id=FORGED_ID)
    assert [await log.first.sealer.look() for _ in range(3)] == [0, 0, 0]
    assert log.first.alarmed == ["forked", "inserted"]


async def test_behind_an_event_with_a_mac_none_without_is_older(log: SealedLog) -> None:
    await log.write(1, log.process("dead"))
    await log.sql(INSERT, id=FORGED_ID)
    assert await found(log) == {("awaiting seal", 1, None), ("inserted", 2, None)}
    assert [await log.first.sealer.look() for _ in range(2)] == [0, 1]
    assert log.first.alarmed == ["inserted"]


@pytest.fixture
async def rotated(log: SealedLog) -> SealedLog:
    """Servers are given a new secret one by one: for a while both seal."""
    both = AuditKeys([SECRET, FORMER])
    former = log.process("former", AuditKeys([FORMER]))
    present = log.process("present", both)
    for process in (former, former, present, former, present):
        await log.write(1, process)
        await process.sealer.seal()
        log.now += 60
    assert present.alarms == []
    log.first = present
    return log


async def test_a_secret_that_changed_step_by_step_can_be_dropped(rotated: SealedLog) -> None:
    report = await rotated.verify(rotated.first.checkpoints)
    assert report.holds
    assert report.events == 5
    kinds = [SealKind(each.kind) for each in await chain(rotated)]
    assert kinds == [SealKind.EVENTS] * 5
    restarted = rotated.process("restarted")
    await rotated.write(1, restarted)
    assert await restarted.sealer.look() == 0
    await restarted.sealer.seal()
    assert restarted.alarms == []
    gone = await rotated.retention().prune(before=rotated.now - 1)
    assert gone.seals == 5


async def test_a_day_later_no_former_secret_seals_any_more(rotated: SealedLog) -> None:
    rotated.now += CHANGE
    await rotated.write(1, rotated.first)
    await rotated.first.sealer.seal()
    old = (await chain(rotated))[0].key_id
    await forge(rotated, key_id=old)
    await rotated.write(1, rotated.first)
    await rotated.first.sealer.seal()
    assert rotated.first.alarmed == ["bad seal"]
    assert await found(rotated) == {("bad seal", None, 6)}


async def test_checkpoints_under_a_secret_that_was_dropped_are_no_damage(log: SealedLog) -> None:
    former = log.process("former", AuditKeys([FORMER]))
    await log.write(1, former)
    await former.sealer.seal()
    (old,) = former.checkpoints
    await log.sealed(1)
    assert (await log.verify([old])).holds
    assert (await log.verify([replace(old, hash=b"h" * 32)])).findings[0].kind == "bad checkpoint"
    assert (await log.verify([replace(old, number=9)])).findings[0].kind == "bad checkpoint"


async def test_a_checkpoint_under_a_key_of_nobody_is_found(log: SealedLog) -> None:
    await log.sealed(1)
    point = await log.checkpoint()
    assert await log.kinds(replace(point, key_id="00" * 8)) == ["bad checkpoint"]
