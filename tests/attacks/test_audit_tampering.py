"""Attack: whoever has the database's password rewrites what the audit log says.

An intruder, or an administrator with something to hide, edits, removes, inserts, copies, moves and
exchanges events; removes, edits, forges and exchanges seals; cuts the log's end or beginning; sets
the whole database back to an old copy. All of it by SQL, without the application's secret. Each is
found by verification, with its kind and its place, and most of it is alarmed while it happens.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.audit.sealed import (
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_log,
    sqlite_template,
)
from zenith.audit.seal import START, Seal
from zenith.kernel.errors import ConflictError

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_log", "sqlite_template"]
COLUMNS = (
    "type",
    "outcome",
    "severity",
    "subject",
    "target",
    "scheme",
    "reason",
    "event_id",
)
INSERT_COPY = (
    "INSERT INTO EVENTS (COPY, event_id) SELECT COPY, event_id FROM EVENTS WHERE sequence = 1"
)
INSERT_OTHER = "INSERT INTO EVENTS (COPY, event_id) SELECT COPY, :id FROM EVENTS WHERE sequence = 1"


async def test_nothing_is_found_where_nothing_was_done(log: SealedLog) -> None:
    await log.sealed(3, 1, 5)
    report = await log.verify()
    assert report.holds
    assert (report.events, report.seals, report.awaiting) == (9, 3, 0)
    assert report.findings == []


@pytest.mark.parametrize("column", COLUMNS)
async def test_an_edited_text_is_found(sqlite_log: SealedLog, column: str) -> None:
    log = sqlite_log
    await log.sealed(3, 3)
    value = "0" * 32 if column == "event_id" else "other"
    await log.sql(
        "UPDATE EVENTS SET COLUMN = :value WHERE sequence = 4", COLUMN=column, value=value
    )
    found = await log.findings()
    if column == "event_id":
        assert sorted(str(each.kind) for each in found) == ["deleted", "inserted"]
    else:
        (edited,) = found
        assert (edited.kind, edited.sequence, edited.seal) == ("edited", 4, 1)


@pytest.mark.parametrize(
    "change",
    [
        "at = at + 0.000001",
        "at = 0",
        "session_id = 'x'",
        "trace_id = 'x'",
        "target = NULL",
        "target = ''",
        "details = '{\"n\": 3}'",
        "mac = NULL",
        "subject = target, target = subject",
        "subject = 'adalove', target = 'lace'",
    ],
)
async def test_an_edit_of_any_kind_is_found(log: SealedLog, change: str) -> None:
    await log.sealed(3)
    await log.sql("UPDATE EVENTS SET CHANGE WHERE sequence = 2", CHANGE=change)
    (found,) = await log.findings()
    assert (found.kind, found.sequence) == ("edited", 2)


@pytest.mark.parametrize(
    "change",
    [
        "subject = CAST(subject AS BLOB)",
        "subject = CAST(x'ff' AS TEXT)",
        "at = 'yesterday'",
        "mac = 'text'",
        "mac = 7",
        "details = 12",
    ],
)
async def test_what_only_sqlite_can_hold_is_found(sqlite_log: SealedLog, change: str) -> None:
    await sqlite_log.sealed(3)
    await sqlite_log.sql("UPDATE EVENTS SET CHANGE WHERE sequence = 2", CHANGE=change)
    (found,) = await sqlite_log.findings()
    assert (found.kind, found.sequence) == ("edited", 2)


async def test_a_removed_event_is_found(log: SealedLog) -> None:
    await log.sealed(3, 3)
    ((event_id,),) = await log.sql("SELECT event_id FROM EVENTS WHERE sequence = 5")
    await log.sql("DELETE FROM EVENTS WHERE sequence = 5")
    (found,) = await log.findings()
    assert (found.kind, found.sequence, found.seal) == ("deleted", 5, 1)
    assert (found.event_id, found.at) == (event_id, log.now - 1)


async def test_the_last_event_removed_is_found(log: SealedLog) -> None:
    await log.sealed(3)
    await log.sql("DELETE FROM EVENTS WHERE sequence = 3")
    assert await log.kinds() == ["deleted"]


async def test_an_inserted_event_is_found(log: SealedLog) -> None:
    await log.sealed(3)
    await log.sql(
        "INSERT INTO EVENTS (COPY, event_id) SELECT COPY, :id FROM EVENTS WHERE sequence = 1",
        id="" * 32,
    )
    (found,) = await log.findings()
    assert (found.kind, found.sequence, found.event_id) == ("inserted", 4, "" * 32)


async def test_an_event_without_an_id_and_mac_is_found(log: SealedLog) -> None:
    await log.sealed(3)
    await log.sql(
        "INSERT INTO EVENTS (type, outcome, severity, at, scheme, reason, details) "
        "VALUES ('LOGIN_SUCCESS', 'success', 'INFO', 1, '', '', '{}')"
    )
    (found,) = await log.findings()
    assert found.kind == "inserted"


async def test_a_copy_of_a_genuine_event_is_refused_by_the_database(log: SealedLog) -> None:
    await log.sealed(2)
    with pytest.raises(ConflictError):
        await log.sql(INSERT_COPY)


async def test_a_copy_is_found_where_the_index_was_dropped(log: SealedLog) -> None:
    await log.sealed(2)
    await log.sql("DROP INDEX uq_zenith_audit_events_event_id")
    try:
        await log.sql(INSERT_COPY)
        (found,) = await log.findings()
        assert (found.kind, found.sequence) == ("inserted", 3)
        other = log.process("other")
        assert [await other.sealer.look() for _ in range(2)] == [0, 0]
        assert other.alarmed == ["inserted"]
    finally:
        await log.sql("DELETE FROM EVENTS")
        await log.sql("CREATE UNIQUE INDEX uq_zenith_audit_events_event_id ON EVENTS (event_id)")


async def test_exchanged_events_are_found(log: SealedLog) -> None:
    await log.sealed(3, 3)
    for before, after in ((2, 99), (5, 2), (99, 5)):
        await log.sql(
            "UPDATE EVENTS SET sequence = :after WHERE sequence = :before",
            after=after,
            before=before,
        )
    found = await log.findings()
    assert [(str(each.kind), each.sequence) for each in found] == [
        ("reordered", 2),
        ("reordered", 5),
    ]


async def test_a_moved_event_is_found(log: SealedLog) -> None:
    await log.sealed(3)
    await log.sql("UPDATE EVENTS SET sequence = 50 WHERE sequence = 1")
    (found,) = await log.findings()
    assert (found.kind, found.sequence) == ("reordered", 50)


async def test_a_removed_seal_is_found(log: SealedLog) -> None:
    await log.sealed(1, 1, 1, 1)
    await log.sql("DELETE FROM SEALS WHERE number IN (1, 2)")
    found = await log.findings()
    assert ("deleted", 1) in {(str(each.kind), each.seal) for each in found}
    assert not (await log.verify()).holds


@pytest.mark.parametrize(
    "change",
    [
        "at = at - 1",
        "writer = 'other'",
        "total = total + 1",
        "through = 10",
        "kind = 'adopted'",
        "key_id = '0000000000000000'",
        "stream = 'main', hash = previous",
        "previous = hash",
        "entries = hash",
        "mac = hash",
    ],
)
async def test_an_edited_seal_is_found(log: SealedLog, change: str) -> None:
    await log.sealed(2, 2, 2)
    await log.sql("UPDATE SEALS SET CHANGE WHERE number = 1", CHANGE=change)
    found = await log.findings()
    assert ("bad seal", 1) in {(str(each.kind), each.seal) for each in found}
    assert {str(each.kind) for each in found} <= {"bad seal", "forked", "awaiting seal"}


@pytest.mark.parametrize("change", ["number = 'one'", "entries = 'x'", "at = 'x'", "hash = 1.5"])
async def test_a_seal_that_only_sqlite_can_hold_is_found(
    sqlite_log: SealedLog, change: str
) -> None:
    await sqlite_log.sealed(2, 2, 2)
    await sqlite_log.sql("UPDATE SEALS SET CHANGE WHERE number = 1", CHANGE=change)
    assert "bad seal" in await sqlite_log.kinds()


async def test_exchanged_seals_are_found(log: SealedLog) -> None:
    await log.sealed(2, 2, 2)
    for before, after in ((1, 99), (2, 1), (99, 2)):
        await log.sql(
            "UPDATE SEALS SET number = :after WHERE number = :before", after=after, before=before
        )
    assert (await log.kinds()).count("bad seal") == 2


async def test_an_event_and_its_place_in_the_seal_removed_together_are_found(
    log: SealedLog,
) -> None:
    """The intruder knows the format, and has no key."""
    await log.sealed(2, 2, 2)
    (seal,) = await log.first.seals.seals("main", after=0, limit=1)
    forged = replace(seal, entries=seal.entries[56:], total=seal.total - 1)
    await log.sql("DELETE FROM EVENTS WHERE sequence = 3")
    await log.sql(
        "UPDATE SEALS SET entries = :entries, total = :total, hash = :hash WHERE number = 1",
        entries=forged.entries,
        total=forged.total,
        hash=forged.digest(),
    )
    found = {(str(each.kind), each.seal) for each in await log.findings()}
    assert found == {("bad seal", 1), ("forked", 2)}


async def test_a_chain_forged_to_its_end_is_found(log: SealedLog) -> None:
    """All hashes are right, and under a key that nobody knows."""
    await log.sealed(2, 2)
    previous = START
    for seal in await log.first.seals.seals("main", after=-1, limit=9):
        forged: Seal = replace(seal, key_id="00" * 8, previous=previous)
        previous = forged.digest()
        await log.sql(
            "UPDATE SEALS SET key_id = :key, previous = :previous, hash = :hash "
            "WHERE number = :number",
            key=forged.key_id,
            previous=forged.previous,
            hash=previous,
            number=seal.number,
        )
    assert await log.kinds() == ["bad seal"]


async def test_a_cut_end_is_found_by_a_checkpoint(log: SealedLog) -> None:
    await log.sealed(2, 2, 2)
    checkpoint = await log.checkpoint()
    await log.sql("DELETE FROM SEALS WHERE number = 2")
    await log.sql("DELETE FROM EVENTS WHERE sequence > 4")
    assert await log.kinds() == []
    (found,) = await log.findings(checkpoint)
    assert (found.kind, found.seal) == ("truncated", 2)


async def test_an_emptied_log_is_found_by_a_checkpoint(log: SealedLog) -> None:
    await log.sealed(2)
    checkpoint = await log.checkpoint()
    await log.sql("DELETE FROM SEALS")
    await log.sql("DELETE FROM EVENTS")
    assert await log.kinds(checkpoint) == ["truncated"]


async def test_a_cut_beginning_is_found(log: SealedLog) -> None:
    await log.sealed(2, 2, 2)
    await log.sql("DELETE FROM SEALS WHERE number = 0")
    await log.sql("DELETE FROM EVENTS WHERE sequence <= 2")
    (found,) = await log.findings()
    assert (found.kind, found.seal) == ("truncated", 1)


async def test_a_log_that_was_set_back_and_went_on_is_found_by_a_checkpoint(
    log: SealedLog,
) -> None:
    await log.sealed(2, 2)
    checkpoint = await log.checkpoint()
    await log.sql("DELETE FROM SEALS WHERE number = 1")
    await log.sql("DELETE FROM EVENTS WHERE sequence > 2")
    other = log.process("restarted")
    await log.write(1, other)
    await other.sealer.seal()
    (found,) = await log.findings(checkpoint)
    assert (found.kind, found.seal) == ("forked", 1)


async def test_a_log_that_is_set_back_under_a_running_process_is_alarmed(log: SealedLog) -> None:
    await log.sealed(2, 2, 2)
    await log.sql("DELETE FROM SEALS WHERE number = 2")
    await log.sql("DELETE FROM EVENTS WHERE sequence > 4")
    await log.sealed(1)
    assert log.first.alarmed == ["forked"]
    assert log.first.alarms[0].severity == "CRITICAL"


async def test_a_forged_seal_is_alarmed_by_a_running_process(log: SealedLog) -> None:
    await log.sealed(2)
    await log.sql(
        "INSERT INTO SEALS SELECT stream, 1, kind, hash, key_id, at, writer, total, through, "
        "entries, hash, mac FROM SEALS"
    )
    await log.sealed(1)
    assert "bad seal" in log.first.alarmed


async def test_an_event_that_is_removed_before_its_seal_is_found_and_alarmed(
    log: SealedLog,
) -> None:
    await log.write(3)
    ((gone,),) = await log.sql("SELECT event_id FROM EVENTS WHERE sequence = 2")
    await log.sql("DELETE FROM EVENTS WHERE sequence = 2")
    await log.first.sealer.seal()
    assert log.first.alarmed == ["deleted"]
    (found,) = await log.findings()
    assert (found.kind, found.event_id, found.sequence) == ("deleted", gone, None)


@pytest.mark.parametrize("change", ["subject = 'eve'", "mac = NULL", "at = 5"])
async def test_an_event_that_is_edited_before_its_seal_is_found_and_alarmed(
    log: SealedLog, change: str
) -> None:
    await log.write(3)
    await log.sql("UPDATE EVENTS SET CHANGE WHERE sequence = 2", CHANGE=change)
    await log.first.sealer.seal()
    assert log.first.alarmed == ["deleted"]
    (found,) = await log.findings()
    assert (found.kind, found.sequence) == ("edited", 2)


async def test_an_inserted_event_is_never_adopted(log: SealedLog) -> None:
    await log.sealed(2)
    await log.sql(INSERT_OTHER, id="e" * 32)
    assert [await log.first.sealer.look() for _ in range(3)] == [0, 0, 0]
    assert log.first.alarmed == ["inserted"]
    assert await log.kinds() == ["inserted"]


async def test_an_event_that_was_pruned_cannot_come_back(log: SealedLog) -> None:
    await log.sealed(2)
    await log.sql("CREATE TABLE kept AS SELECT * FROM EVENTS WHERE sequence = 1")
    log.now += 1000
    await log.sealed(1)
    assert (await log.retention().prune(before=log.now - 500)).events == 2
    await log.sql("INSERT INTO EVENTS SELECT * FROM kept")
    await log.sql("DROP TABLE kept")
    other = log.process("other")
    assert [await other.sealer.look() for _ in range(2)] == [0, 1]
    assert other.alarmed == ["inserted"]


async def test_a_checkpoint_that_was_tampered_with_is_found(log: SealedLog) -> None:
    await log.sealed(2)
    checkpoint = await log.checkpoint()
    assert (await log.verify([checkpoint])).checkpoints == 1
    assert await log.kinds(replace(checkpoint, number=7)) == ["bad checkpoint"]
    assert await log.kinds(replace(checkpoint, key_id="00" * 8)) == ["bad checkpoint"]
    assert await log.kinds("a line that is none") == ["bad checkpoint"]
