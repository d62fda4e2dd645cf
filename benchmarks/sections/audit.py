"""Audit events: those that need not wait, and those that must be stored before the answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat_async
from zenith.accounts import Account
from zenith.audit import AuditLog, AuditSettings
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret
from zenith.kernel.one_step import one_step
from zenith.stores.memory import MemoryAuditStore
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore, upgrade

TITLE = "Audit events (SQLite)"
ROUNDS = 30
ACCOUNT = Account(id="account-0", email="a@b.example", email_key="a@b.example", created_at=0.0)


def _event() -> Event:
    return Event(
        type=EventType.LOGIN_SUCCESS,
        outcome="success",
        at=time.time(),
        subject=ACCOUNT.id,
        session_id="session-0",
        scheme="session",
        address="203.0.113.9",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        request_id="request-0",
    )


@asynccontextmanager
async def _log(folder: str) -> AsyncIterator[tuple[AuditLog, SqlAccountStore]]:
    database = Database(DatabaseSettings(url=Secret(f"sqlite:///{folder}/audit.db")))
    await upgrade(database)
    accounts = SqlAccountStore(database)
    await accounts.create(ACCOUNT)
    log = AuditLog(SqlAuditStore(database), AuditSettings())
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
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        async with _log(folder) as (log, accounts):

            async def change() -> None:
                await accounts.note_sign_in(ACCOUNT.id, time.time())

            async def recorded_change() -> None:
                async with one_step():
                    await change()
                    await log.record(_event())

            found = await interleave(
                {"zenith": repeat_async(recorded_change), "alone": repeat_async(change)},
                rounds=rounds,
            )
    ratio, spread = found.ratio("zenith", "alone")
    yield Row(
        name="a change whose event must be stored before the answer",
        ours=found.of("zenith"),
        peer_name="the change alone",
        peer=found.of("alone"),
        ratio=ratio,
        spread=spread,
        budget=Budget(value=1.2),
    )
