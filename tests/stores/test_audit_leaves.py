"""Processes that read the log: what they are told, what they answer, how they end."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from tests.audit.sealed import (
    SealedLog,
    log,
    log_url,
    postgres_schema_url,
    sqlite_log,
    sqlite_template,
)
from zenith.assembly import audit_readers
from zenith.assembly.audit_readers import reading_ahead
from zenith.audit import AuditSettings
from zenith.audit.errors import LostReaderError
from zenith.kernel.keys import Secret
from zenith.stores.settings import DatabaseSettings
from zenith.stores.sql.audit_leaves import LeafProcess
from zenith.stores.sql.leaf_process import COUNT, FAILED, HELLO, LEAF, RANGE, serve

__all__ = ["log", "log_url", "postgres_schema_url", "sqlite_log", "sqlite_template"]


def shown_of(process: int) -> bytes:
    """What others on the machine see of a process, where there is such a place."""
    places = [Path(f"/proc/{process}/{name}") for name in ("cmdline", "environ")]
    return b"".join(place.read_bytes() for place in places if place.exists())


async def test_a_process_reads_what_the_store_reads(log: SealedLog) -> None:
    await log.write(9)
    process = await LeafProcess.start(log.database.settings, "main")
    try:
        expected = await log.first.seals.leaves("main", after=2, limit=5)
        assert await process.leaves(2, 7) == list(expected)
        assert await process.leaves(9, 100) == []
        url = log.database.settings.url.reveal().encode()
        assert url not in shown_of(process._process.pid)
        inner = process._process
        assert inner.stdin is not None
        inner.stdin.close()
        assert await inner.wait() == 0, "it outlives its owner"
    finally:
        await process.close()


async def answers(log: SealedLog, *requests: bytes, url: str = "") -> bytes:
    settings = log.database.settings
    told = {
        "url": url or settings.url.reveal(),
        "connect_timeout": 1.0,
        "statement_timeout": 1.0,
        "application_name": "zenith",
        "stream": "main",
    }
    written = io.BytesIO()
    await serve(io.BytesIO(json.dumps(told).encode() + b"\n" + b"".join(requests)), written)
    assert written.getvalue().startswith(HELLO)
    return written.getvalue().removeprefix(HELLO)


async def test_it_answers_until_the_requests_end(log: SealedLog) -> None:
    await log.write(3)
    expected = await log.first.seals.leaves("main", after=1, limit=2)
    wanted = COUNT.pack(2) + b"".join(LEAF.pack(*leaf) for leaf in expected)
    assert await answers(log, RANGE.pack(1, 3), RANGE.pack(3, 9), b"cut") == wanted + COUNT.pack(0)


async def test_a_database_that_cannot_be_read_is_said(sqlite_log: SealedLog) -> None:
    found = await answers(sqlite_log, RANGE.pack(0, 9), url="sqlite:////proc/nothing/here.db")
    assert found == COUNT.pack(FAILED)
    settings = DatabaseSettings(url=Secret("sqlite:////proc/nothing/here.db"))
    process = await LeafProcess.start(settings, "main")
    with pytest.raises(LostReaderError, match="cannot read"):
        await process.leaves(0, 9)
    process._process.kill()
    with pytest.raises(LostReaderError, match="is lost"):
        await process.leaves(0, 9)
    await process.close()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("", "no|interpreter"),
        ("/usr/sbin/uwsgi", "interpreter"),
        ("/nowhere/python3", "no process"),
        ("python3-that-says-no", "is lost"),
        ("python3-that-says-other", "another program"),
    ],
)
async def test_where_none_can_be_started_one_reads_alone(
    sqlite_log: SealedLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    program: str,
    reason: str,
) -> None:
    if program.startswith("python3"):
        made = tmp_path / program
        answer = "exit 1" if program.endswith("no") else "echo somebody is here; read x"
        made.write_text(f"#!/bin/sh\n{answer}\n")
        made.chmod(0o700)
        program = str(made)
    monkeypatch.setattr(sys, "executable", program)
    log = sqlite_log
    await log.sealed(3)
    with pytest.raises(LostReaderError, match=reason):
        await LeafProcess.start(log.database.settings, "main")
    settings = AuditSettings(verify_processes=2)
    async with reading_ahead(log.first.seals, settings, log.database.settings, worth=1) as ahead:
        assert ahead is not None
    with caplog.at_level(logging.WARNING):
        report = await log.verify()
    assert report.holds


async def test_few_events_and_one_core_need_no_process(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, database = sqlite_log, sqlite_log.database.settings
    two = AuditSettings(verify_processes=2)
    async with reading_ahead(log.first.seals, two, database, worth=1) as ahead:
        assert ahead is None, "there is no seal"
    await log.sealed(3)
    async with reading_ahead(log.first.seals, two, database) as ahead:
        assert ahead is None, "it is not worth it"
    one = AuditSettings(verify_processes=1)
    async with reading_ahead(log.first.seals, one, database, worth=1) as ahead:
        assert ahead is None
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert audit_readers._cores() == 1
