"""Audit events that need not wait, and the verification of the log."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave
from zenith.assembly.audit_readers import reading_ahead
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.reading import StoredLog
from zenith.audit.sealer import Sealer
from zenith.audit.verification import Verification
from zenith.kernel.events import Event, EventType, Silence
from zenith.kernel.keys import Secret, new_id
from zenith.stores.memory import MemoryAuditStore
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import Database, SqlAuditStore, SqlSealStore, upgrade

TITLE = "Audit events (SQLite)"
ROUNDS = 30
KEYS = AuditKeys([Secret("Bench-0123456789-abcdefghijklmnopqrstuv")])
EVENTS = 100_000
"""As many as make what each verification begins with a small part of it."""
LONG = 1_500_000
"""More than `zenith.assembly.audit_readers.WORTH`."""
PER_SEAL = 1_000
ACCOUNT, SESSION, REQUEST = new_id(), new_id(), new_id()


def an_event() -> Event:
    return Event(
        type=EventType.LOGIN_SUCCESS,
        outcome="success",
        at=time.time(),
        subject=ACCOUNT,
        session_id=SESSION,
        scheme="session",
        address="203.0.113.9",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        request_id=REQUEST,
    )


def _noting(log: AuditLog) -> Batch:
    async def run(count: int) -> None:
        # Nothing is awaited: what the task of the log does is not on the request's way.
        for _ in range(count):
            log.note(an_event())

    return run


async def _verification(rounds: int, events: int) -> AsyncIterator[Row]:
    """A whole sealed log read and verified: in CPU time of one process, and by the clock as the
    command does it, which takes more processes where the log is long and there are cores.
    """
    pending = Pending()
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        async with Database(DatabaseSettings(url=Secret(f"sqlite:///{folder}/log.db"))) as database:
            await upgrade(database)
            store = SqlAuditStore(database, keys=KEYS, written=pending.add)
            seals = SqlSealStore(database)
            sealer = Sealer(seals, pending, KEYS, Silence(), AuditSettings(), writer="bench")
            for _ in range(events // PER_SEAL):
                await store.append([an_event() for _ in range(PER_SEAL)])
                await sealer.seal()
            for name, settings, clock in (
                ("one process, CPU", AuditSettings(verify_processes=1), time.process_time),
                ("by the clock", AuditSettings(), time.perf_counter),
            ):
                speeds: list[float] = []
                for _ in range(rounds):
                    began = clock()
                    await _verify(seals, settings, database.settings, events)
                    speeds.append(events / (clock() - began))
                yield Row(
                    name=f"verify the audit log, {name}",
                    ours=max(speeds),
                    unit="events/s",
                    budget=Budget(value=100_000, bound="at least", of="ours"),
                )


async def _verify(
    seals: SqlSealStore, settings: AuditSettings, database: DatabaseSettings, events: int
) -> None:
    async with reading_ahead(seals, settings, database) as ahead:
        source = StoredLog(seals, "main", ahead=ahead)
        report = await Verification(source, "main", keys=KEYS, public=KEYS.public).run()
    if not report.holds or report.events != events:
        raise RuntimeError("the log does not verify")


async def measure(options: Options) -> AsyncIterator[Row]:
    """An event on the way of a request, and a log that is verified."""
    rounds = options.rounds(ROUNDS)
    # In memory: what waits for a disk would be stored while the next row is measured.
    waiting = AuditLog(MemoryAuditStore(), AuditSettings(queue_size=100_000))
    await waiting.start()
    found = await interleave({"note": _noting(waiting)}, rounds=rounds, milliseconds=1)
    await waiting.stop()
    yield Row(
        name="an event that need not wait, on the request",
        ours=found.of("note"),
        budget=Budget(value=25, of="ours"),
    )
    events = LONG if options.full else EVENTS
    async for row in _verification(options.rounds(ROUNDS) // 6 + 1, events):
        yield row
