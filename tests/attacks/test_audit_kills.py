"""Attack: kill the process that writes the audit log, again and again, to make it lose or break.

A process that dies between an event and its seal, or in the midst of either, leaves nothing that
looks like tampering, and no acknowledged event without its record: the next process seals what it
finds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.audit.sealed import SECRET, SealedLog, sqlite_log, sqlite_template
from zenith.audit.search import AuditQuery
from zenith.kernel.events import EventType

__all__ = ["sqlite_log", "sqlite_template"]
KILLS = 20
PROGRAM = """
import asyncio, os, random, signal, sys, threading, time
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.sealer import Sealer
from zenith.audit.settings import AuditSettings
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret, new_id
from zenith.stores.sql import Database, SqlAuditStore, SqlSealStore

path, secret, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Quiet:
    def note(self, event):
        os.write(2, b"alarm: " + event.reason.encode())

async def work(acknowledged):
    database, keys, pending = Database(f"sqlite:///{path}"), AuditKeys([Secret(secret)]), Pending()
    store = SqlAuditStore(database, keys=keys, written=pending.add)
    settings = AuditSettings(seal_delay=0.01, seal_events=3)
    sealer = Sealer(SqlSealStore(database), pending, keys, Quiet(), settings, writer="child")
    await sealer.start()

    async def write():
        while True:
            event = Event(type=EventType.LOGOUT, outcome="success", at=1.0, event_id=new_id())
            await store.append([event])
            os.write(acknowledged, event.event_id.encode() + b"\\n")

    await asyncio.gather(*(write() for _ in range(3)))

for number in range(kills):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        asyncio.run(work(writing))
    os.close(writing)
    first = os.read(reading, 33)
    time.sleep(random.Random(number).uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reading, 65536):
        first += more
    os.close(reading)
    sys.stdout.write(first.decode())
"""


async def test_kills_lose_nothing_and_break_nothing(sqlite_log: SealedLog) -> None:
    log = sqlite_log
    path = log.database.settings.url.reveal().removeprefix("sqlite:///")
    python = shutil.which(sys.executable) or sys.executable
    done = subprocess.run(  # noqa: ASYNC221  the test waits for it, and has nothing else to do
        [python, "-c", PROGRAM, path, SECRET.reveal(), str(KILLS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    acknowledged = [line for line in done.stdout.splitlines() if len(line) == 32]
    assert len(acknowledged) >= KILLS
    before = await log.verify()
    assert before.holds
    kept = await log.sql("SELECT count(*) FROM EVENTS")
    query = AuditQuery(type=EventType.LOGOUT)
    counted = await log.first.events.counts(query, span=60.0, most=100_000)
    assert [each.count for each in counted] == [kept[0][0]]
    adopted = [await log.first.sealer.look() for _ in range(2)]
    assert await log.sql("SELECT 1 FROM EVENTS WHERE unindexed IS NOT NULL") == []
    assert await log.first.events.counts(query, span=60.0, most=100_000) == counted
    assert adopted == [0, before.awaiting]
    after = await log.verify()
    assert after.holds
    assert after.awaiting == 0
    stored = await log.sql("SELECT event_id FROM EVENTS")
    assert {row[0] for row in stored} >= set(acknowledged)
    assert after.events == len(stored)
    assert log.first.alarms == []
