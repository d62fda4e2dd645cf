"""Audit events: those that need not wait, and those that must be stored before the answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from typing import TypeAlias

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat_async
from zenith.accounts import Account
from zenith.assembly.audit_readers import reading_ahead
from zenith.audit import AuditLog, AuditSettings
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.reading import StoredLog
from zenith.audit.sealer import Sealer
from zenith.audit.verification import Verification
from zenith.kernel.events import Event, EventType, Silence
from zenith.kernel.keys import Secret, new_id
from zenith.kernel.one_step import one_step
from zenith.stores.memory import MemoryAuditStore
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore, SqlSealStore, upgrade

TITLE = "Audit events (SQLite)"
ROUNDS = 30
KEYS = AuditKeys([Secret("Bench-0123456789-abcdefghijklmnopqrstuv")])
EVENTS = 100_000
"""As many as make what each verification begins with a small part of it."""
LONG = 1_500_000
"""More than `zenith.assembly.audit_readers.WORTH`."""
PER_SEAL = 1_000
Change: TypeAlias = Callable[[], Awaitable[None]]
SESSION, REQUEST = new_id(), new_id()
ACCOUNT = Account(id=new_id(), email="a@b.example", email_key="a@b.example", created_at=0.0)


def _event() -> Event:
    return Event(
        type=EventType.LOGIN_SUCCESS,
        outcome="success",
        at=time.time(),
        subject=ACCOUNT.id,
        session_id=SESSION,
        scheme="session",
        address="203.0.113.9",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        request_id=REQUEST,
    )


@asynccontextmanager
async def _log(folder: str) -> AsyncGenerator[tuple[AuditLog, SqlAccountStore]]:
    database = Database(DatabaseSettings(url=Secret(f"sqlite:///{folder}/audit.db")))
    await upgrade(database)
    accounts = SqlAccountStore(database)
    await accounts.create(ACCOUNT)
    store = SqlAuditStore(database, keys=KEYS, written=Pending().add)
    log = AuditLog(store, AuditSettings())
    await log.start()
    try:
        yield log, accounts
    finally:
        await log.stop()
        await database.close()


def _noting(log: AuditLog) -> Batch:
    async def run(count: int) -> None:
        # Nothing is awaited: what the task of the log does is not on the request's way.
        for _ in range(count):
            log.note(_event())

    return run


async def _recorded(rounds: int) -> AsyncIterator[Row]:
    """Changes with their events, from the smallest there is: one row, of which nobody asks whether
    it was there.
    """
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        async with _log(folder) as (log, accounts):
            for name, change in _changes(accounts).items():
                found = await interleave(
                    {
                        "zenith": repeat_async(_with_event(log, change)),
                        "alone": repeat_async(change),
                    },
                    rounds=rounds,
                )
                ratio, spread = found.ratio("zenith", "alone")
                yield Row(
                    name=f"event stored before the answer: {name}",
                    ours=found.of("zenith"),
                    peer_name="the change alone",
                    peer=found.of("alone"),
                    ratio=ratio,
                    spread=spread,
                    budget=Budget(value=1.2),
                )


def _changes(accounts: SqlAccountStore) -> dict[str, Change]:
    locked, granted = cycle((time.time(), None)), cycle((("user", "editor"), ("user",)))

    async def signed_in() -> None:
        await accounts.note_sign_in(ACCOUNT.id, time.time())

    async def lock() -> None:
        await accounts.set_locked(ACCOUNT.id, next(locked), keep_one="administrator")

    async def grant() -> None:
        await accounts.set_roles(ACCOUNT.id, next(granted), keep_one="administrator")

    return {"a time noted": signed_in, "an account locked or unlocked": lock, "roles given": grant}


def _with_event(log: AuditLog, change: Change) -> Change:
    async def recorded() -> None:
        async with one_step():
            await change()
            await log.record(_event())

    return recorded


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
                await store.append([_event() for _ in range(PER_SEAL)])
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
    """An event on the way of a request, and a change with and without its event."""
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
    async for row in _recorded(rounds):
        yield row
    events = LONG if options.full else EVENTS
    async for row in _verification(options.rounds(ROUNDS) // 6 + 1, events):
        yield row
