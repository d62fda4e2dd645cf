"""Attack: make the process die between a change and its record, so that nobody hears of the change.

An administrator who locks, appoints or deletes while the machine is pushed over; a thief who fills
the disk first. A change and its record are one transaction: whenever the process is killed, both
are there or neither is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import sqlite_template
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore

__all__ = ["sqlite_template"]

PROGRAM = """
import asyncio, os, signal, sys
from zenith.accounts import Account
from zenith.audit import AuditLog
from zenith.kernel.events import Event, EventType
from zenith.kernel.one_step import one_step
from zenith.stores.sql import Database, SqlAccountStore, SqlAuditStore

def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def step(path, when):
    database = Database(f"sqlite:///{path}")
    accounts, log = SqlAccountStore(database), AuditLog(SqlAuditStore(database))
    event = Event(type=EventType.ACCOUNT_CREATED, outcome="success", at=1.0, target="a")
    async def last(connection):
        if when == "last":
            die()
    async with one_step():
        await accounts.create(Account(id="a", email="a@b.c", email_key="a@b.c", created_at=0.0))
        if when == "changed":
            die()
        await log.record(event)
        if when == "recorded":
            die()
        await database.at_end(last)
    die()

for path in sys.argv[1:]:
    child = os.fork()
    if not child:
        asyncio.run(step(path, os.path.basename(path)))
    print(os.waitpid(child, 0)[1])
"""
MOMENTS: Mapping[str, int] = {"changed": 0, "recorded": 0, "last": 0, "kept": 1}


async def _kept(path: Path) -> tuple[int, int]:
    async with Database(f"sqlite:///{path}") as database:
        accounts = await SqlAccountStore(database).page(after=None, limit=10, search="")
        events = await SqlAuditStore(database).page()
    return len(accounts), len(events)


async def test_both_or_neither_survive(sqlite_template: Path, tmp_path: Path) -> None:
    paths = [tmp_path / when for when in MOMENTS]
    for path in paths:
        shutil.copy(sqlite_template, path)
    program = [sys.executable, "-c", PROGRAM, *map(str, paths)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)  # noqa: ASYNC221
    assert done.stdout.split() == ["9"] * len(paths), done.stderr
    found = {path.name: await _kept(path) for path in paths}
    assert found == {when: (count, count) for when, count in MOMENTS.items()}
