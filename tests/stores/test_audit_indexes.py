"""New rows of the log are in no index of searches on SQLite, and are found all the same."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite

from tests.audit.sealed import (
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_log,
    sqlite_template,
)
from zenith.audit.sealer import INDEXED
from zenith.audit.search import EXACT, AuditQuery
from zenith.audit.stored import UNREADABLE
from zenith.kernel.events import Event, EventType
from zenith.stores.sql import SqlAuditStore
from zenith.stores.sql.audit_search import counts_of, page_of

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_log", "sqlite_template"]
VALUES: dict[str, Any] = dict.fromkeys(EXACT, "ab" * 16)
VALUES |= {"outcome": "denied", "severity": "ERROR", "type": EventType.LOGOUT}
EVENT = Event(at=5.0, **VALUES)
QUERIES = [
    *(AuditQuery(**{name: value}) for name, value in VALUES.items()),
    AuditQuery(about=VALUES["subject"]),
    AuditQuery(about=VALUES["target"], since=1.0),
    AuditQuery(subject=VALUES["subject"], outcome="denied", until=9.0),
]
SPANS = [AuditQuery(since=1.0), AuditQuery(until=9.0)]


async def waiting(log: SealedLog) -> int:
    return int((await log.sql("SELECT count(*) FROM EVENTS WHERE unindexed IS NOT NULL"))[0][0])


async def plan(log: SealedLog, statement: Any) -> list[str]:
    """How the database would go about it; on PostgreSQL, what it would do in a long log."""
    is_sqlite = log.database.dialect == "sqlite"
    compiled = statement.compile(
        dialect=sqlite.dialect() if is_sqlite else postgresql.dialect(),
        compile_kwargs={"literal_binds": True},
    )
    async with log.database.transaction() as connection:
        if is_sqlite:
            done = await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))
            return [row[3] for row in done]
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        return [row[0].strip() for row in await connection.execute(text(f"EXPLAIN {compiled}"))]


def whole(lines: list[str]) -> list[str]:
    """Steps that look at every row of the table; to follow times backwards ends at a limit."""
    index = r"ix_zenith_audit_events_(?:unindexed|at_sequence)\Z"
    scan = re.compile(rf"SCAN zenith_audit_events(?! USING INDEX {index})")
    return [line for line in lines if scan.match(line) or "Seq Scan" in line]


async def test_no_search_reads_the_whole_table(log: SealedLog) -> None:
    await log.sealed(300)
    await log.write(3)
    splits = log.database.dialect == "sqlite"
    for query in QUERIES:
        for way in ({"before": None, "after": None}, {"before": 900, "after": 3}):
            found = await plan(log, page_of(query, stream="main", **way, limit=50, splits=splits))
            assert whole(found) == [], query
            # An id has its own index, which holds new rows, too.
            looked = query.event_id or not splits or any("unindexed" in line for line in found)
            assert looked, query
    for query in (*QUERIES, *SPANS, AuditQuery()):
        statement = counts_of(query, stream="main", span=60.0, most=100, splits=splits)
        counted = await plan(log, statement)
        assert whole(counted) == [], query


async def test_a_scan_would_be_seen(sqlite_log: SealedLog) -> None:
    await sqlite_log.sql("DROP INDEX ix_zenith_audit_events_unindexed")
    statement = page_of(QUERIES[0], stream="main", before=None, after=None, limit=50, splits=True)
    assert whole(await plan(sqlite_log, statement))


async def found(log: SealedLog, query: AuditQuery) -> list[list[int]]:
    """What each way to ask finds; the first is the newest first."""
    events = log.first.events
    pages = [
        await events.search(query),
        [*reversed(await events.search(query, after=0))],
        [*await events.search(query, limit=1), *await events.search(query, limit=1, before=2)],
    ]
    counts = await events.counts(query, span=60.0, most=100)
    return [[each.sequence for each in page] for page in pages] + [[sum(e.count for e in counts)]]


async def test_what_is_new_and_what_is_not_come_in_order(log: SealedLog) -> None:
    other = replace(EVENT, event_id="cd" * 16)
    await log.first.events.append([EVENT])
    await log.first.sealer.seal()
    assert await waiting(log) == 0
    await log.first.events.append([other])
    assert await waiting(log) == (log.database.dialect == "sqlite")
    for query in (*QUERIES, *SPANS, AuditQuery()):
        if query.event_id is None:
            assert await found(log, query) == [[2, 1], [2, 1], [2, 1], [2]], query
    assert [each.sequence for each in await log.first.events.page(subject="ab" * 16)] == [2, 1]
    assert [each.sequence for each in await log.first.events.page(kind="LOGOUT")] == [2, 1]
    assert (await log.first.events.counts(AuditQuery(), span=60.0, most=1))[0].count == 1


@pytest.mark.parametrize("value", [1, 2, -1, "x"])
async def test_no_value_hides_a_row(sqlite_log: SealedLog, value: object) -> None:
    """Whoever may write to the database cannot take a row out of searches by this column."""
    await sqlite_log.first.events.append([EVENT])
    await sqlite_log.first.sealer.seal()
    await sqlite_log.sql("UPDATE EVENTS SET unindexed = :value", value=value)
    for query in QUERIES:
        assert [each.sequence for each in await sqlite_log.first.events.search(query)] == [1], query
    assert (await sqlite_log.verify()).holds
    await sqlite_log.first.sealer.look()
    assert await waiting(sqlite_log) == 0


async def test_text_that_cannot_be_read_hides_no_other_row(sqlite_log: SealedLog) -> None:
    """SQLite holds any bytes as text; one such row, and all searches would answer 503."""
    other = replace(EVENT, event_id="cd" * 16)
    await sqlite_log.first.events.append([EVENT, other])
    await sqlite_log.first.sealer.seal()
    for column in ("reason", "outcome", "details", "user_agent"):
        await sqlite_log.sql(
            f"UPDATE EVENTS SET {column} = CAST(x'41ff' AS TEXT) WHERE sequence = 1"  # noqa: S608
        )
        shown = await sqlite_log.first.events.search(AuditQuery())
        assert [each.sequence for each in shown] == [2, 1]
        assert shown[1].event.reason == UNREADABLE
        assert repr(shown[1].event.details).isascii()
        assert (
            sum(
                each.count
                for each in await sqlite_log.first.events.counts(AuditQuery(), span=60.0, most=9)
            )
            == 2
        )
    report = await sqlite_log.verify()
    assert [(each.kind, each.sequence) for each in report.findings] == [("edited", 1)]


async def test_rows_of_a_process_that_died_are_indexed_by_another(sqlite_log: SealedLog) -> None:
    dead = sqlite_log.process("dead")
    await sqlite_log.write(INDEXED + 1, by=dead)
    assert await waiting(sqlite_log) == INDEXED + 1
    await sqlite_log.first.sealer.look()
    assert await waiting(sqlite_log) == 0
    assert (await sqlite_log.verify()).awaiting == INDEXED + 1


async def test_rows_that_nobody_seals_are_indexed_at_once(sqlite_log: SealedLog) -> None:
    await SqlAuditStore(sqlite_log.database).append([EVENT])
    assert await waiting(sqlite_log) == 0


async def test_a_row_is_found_while_it_moves(sqlite_log: SealedLog) -> None:
    """Searches beside several processes that write, seal and index miss nothing."""
    log, written = sqlite_log, 0
    processes = [log.process(name) for name in "ab"]

    async def write() -> None:
        nonlocal written
        for turn in range(20):
            await log.write(3, by=processes[turn % 2])
            written += 3
            await asyncio.sleep(0)

    async def seal(sealer: Any) -> None:
        while not writing.done():
            await sealer.seal()
            await log.first.sealer.look()

    writing = asyncio.create_task(write())
    sealing = [asyncio.create_task(seal(each.sealer)) for each in processes]
    query = AuditQuery(subject="ada")
    while not writing.done():
        least = written
        sequences = [each.sequence for each in await log.first.events.search(query, limit=1000)]
        assert len(sequences) >= least
        assert sequences == [*range(len(sequences), 0, -1)]
    await asyncio.gather(writing, *sealing)
    assert len(await log.first.events.search(query, limit=1000)) == 60
    assert (await log.verify()).holds


async def test_what_is_pruned_is_found_no_more(log: SealedLog) -> None:
    await log.sealed(3, 3)
    await log.retention().prune(before=log.now - 1)
    left = await log.first.events.search(AuditQuery(subject="ada"))
    assert [each.sequence for each in left] == [6, 5, 4]


async def test_what_is_proven_of_a_row_is_never_updated(log: SealedLog) -> None:
    """On PostgreSQL nothing is: its user needs no right to."""
    await log.write(2)
    before = await log.first.seals.records("main", after=0, limit=10)
    if log.database.dialect == "postgresql":
        await log.sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
        )
        await log.sql(
            "CREATE TRIGGER refuse BEFORE UPDATE ON zenith_audit_events "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
        )
    try:
        await log.first.sealer.seal()
        await log.first.sealer.look()
    finally:
        if log.database.dialect == "postgresql":
            await log.sql("DROP FUNCTION refuse CASCADE")
    assert await log.first.seals.records("main", after=0, limit=10) == before
