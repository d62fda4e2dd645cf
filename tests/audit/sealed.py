"""A sealed log to try things on: real stores, a clock that is set, looks without waiting."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.conformance.conftest import TABLES, postgres_schema_url
from tests.conftest import sqlite_template
from zenith.audit.checkpoint import Checkpoint
from zenith.audit.findings import Finding
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.reading import StoredLog
from zenith.audit.retention import Retention
from zenith.audit.sealer import Sealer
from zenith.audit.settings import AuditSettings
from zenith.audit.verification import Verification, VerificationReport
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import Secret
from zenith.stores.sql import Database, SqlAuditStore, SqlSealStore

__all__ = ["FORMER", "SECRET", "SealedLog", "log", "log_url", "postgres_schema_url"]
__all__ += ["sqlite_log", "sqlite_template"]
SECRET = Secret("Zq3-present-0123456789-abcdefghijklmnop")
FORMER = Secret("Yx2-former--0123456789-abcdefghijklmnop")
WORDS = {
    "EVENTS": "zenith_audit_events",
    "SEALS": "zenith_audit_seals",
    "COPY": (
        "type, outcome, severity, at, subject, target, session_id, scheme, address, user_agent, "
        "request_id, reason, details, stream, trace_id, mac"
    ),
}
NOW = 1_800_000_000.0


class Process:
    """One of several processes that write and seal."""

    def __init__(
        self,
        log: SealedLog,
        writer: str,
        keys: AuditKeys,
        settings: AuditSettings | None = None,
        **more: Any,
    ) -> None:
        self.settings = settings or AuditSettings()
        self.pending = Pending(full=self.settings.seal_events)
        self.events = SqlAuditStore(
            log.database, keys=keys, stream=self.settings.stream, written=self.pending.add
        )
        self.checkpoints: list[Checkpoint] = []
        self.alarms: list[Event] = []
        self.seals = SqlSealStore(log.database)
        self.sealer = Sealer(
            self.seals,
            self.pending,
            keys,
            self,
            self.settings,
            writer=writer,
            places=(self._keep,),
            clock=lambda: log.now,
            **more,
        )

    async def _keep(self, checkpoint: Checkpoint) -> None:
        self.checkpoints.append(checkpoint)

    def note(self, event: Event) -> None:
        self.alarms.append(event)

    async def record(self, event: Event) -> None:
        await self.events.append([event])

    @property
    def alarmed(self) -> list[str]:
        return [str(event.details["kind"]) for event in self.alarms]


class SealedLog:
    """One database, its processes, and what an intruder does to it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.keys = AuditKeys([SECRET])
        self.first = self.process("first")
        self._numbers = iter(range(1_000_000))

    def process(self, writer: str, keys: AuditKeys | None = None, **more: Any) -> Process:
        return Process(self, writer, keys or self.keys, **more)

    async def write(self, count: int, by: Process | None = None, **fields: Any) -> None:
        wanted = {"outcome": "success", "at": self.now, "subject": "ada", "target": "lovelace"}
        wanted |= {"details": {"n": next(self._numbers)}, **fields}
        event = Event(type=EventType.ROLE_GRANTED, **wanted)
        await (by or self.first).events.append([event] * count)

    async def sealed(self, *sizes: int) -> None:
        """Seals of so many events."""
        for size in sizes:
            await self.write(size)
            await self.first.sealer.seal()
            self.now += 1

    async def sql(self, statement: str, **values: Any) -> Any:
        """What an intruder with the database's password does. Words in capitals stand for the
        tables, for the columns of a whole event, and for values with such names.
        """
        words = {**WORDS, **{name: values.pop(name) for name in [*values] if name.isupper()}}
        statement = re.sub(r"\b[A-Z]+\b", lambda word: words.get(word[0], word[0]), statement)
        async with self.database.transaction() as connection:
            done = await connection.execute(text(statement), values)
            return done.all() if done.returns_rows else done.rowcount

    async def verify(
        self,
        checkpoints: Iterable[Checkpoint | str] = (),
        *,
        keys: AuditKeys | None = None,
        stream: str = "main",
    ) -> VerificationReport:
        keys = keys or self.keys
        return await Verification(
            StoredLog(self.first.seals, stream),
            stream,
            keys=keys,
            public=keys.public,
            checkpoints=checkpoints,
        ).run()

    async def checkpoint(self) -> Checkpoint:
        """How far the chain has come, signed."""
        return await self.first.sealer.checkpoint() or self.first.checkpoints[-1]

    async def findings(self, *checkpoints: Checkpoint | str) -> list[Finding]:
        return list((await self.verify(checkpoints)).findings)

    async def kinds(self, *checkpoints: Checkpoint | str) -> list[str]:
        return [str(each.kind) for each in await self.findings(*checkpoints)]

    def retention(self) -> Retention:
        return Retention(
            self.first.seals,
            self.keys,
            self.first,
            stream="main",
            writer="keeper",
            clock=lambda: self.now,
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_schema_url")
    path = tmp_path / "zenith.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
async def log(log_url: str) -> AsyncIterator[SealedLog]:
    async with Database(log_url) as database:
        if database.dialect == "postgresql":
            async with database.transaction() as connection:
                await connection.execute(text(f"TRUNCATE {TABLES} RESTART IDENTITY"))
        yield SealedLog(database)


@pytest.fixture
async def sqlite_log(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[SealedLog]:
    path = tmp_path / "zenith.db"
    shutil.copy(sqlite_template, path)
    async with Database(f"sqlite:///{path}") as database:
        yield SealedLog(database)
