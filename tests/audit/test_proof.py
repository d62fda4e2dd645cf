"""Exports: what they hold proves itself, and nothing can be taken from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit.sealed import FORMER, SealedLog, sqlite_log, sqlite_template
from zenith.audit import proof, verification
from zenith.audit.errors import BrokenLogError
from zenith.audit.keys import AuditKeys, PublicKeys
from zenith.audit.proof import ProofFile, proof_lines, read_head
from zenith.audit.reading import StoredLog
from zenith.audit.verification import Verification, VerificationReport
from zenith.kernel.errors import ConfigurationError

__all__ = ["sqlite_log", "sqlite_template"]
FOREVER = 1e12


async def export(log: SealedLog, path: Path, *, since: float = 0, until: float = FOREVER) -> int:
    made = proof_lines(log.first.seals, log.keys, "main", since=since, until=until, at=log.now)
    found = [each async for each in made]
    write(path, "".join(line for line, _ in found))
    return found[-1][1] if found else 0


def write(path: Path, text: str) -> None:
    path.write_text(text)


def read(path: Path) -> str:
    return path.read_text()


async def proven(path: Path, public: PublicKeys) -> VerificationReport:
    source = ProofFile(path)
    assert source.head.is_signed(public)
    return await Verification(
        source,
        "main",
        keys=None,
        public=public,
        checkpoints=[source.head.checkpoint],
        begins_at=source.head.first,
    ).run()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


async def test_an_export_needs_only_the_public_key(sqlite_log: SealedLog, path: Path) -> None:
    await sqlite_log.sealed(3, 1, 2)
    assert await export(sqlite_log, path) == 6
    report = await proven(path, sqlite_log.keys.public)
    assert report.holds
    assert (report.events, report.seals, report.checkpoints) == (6, 3, 1)
    assert not ProofFile(path).head.is_signed(AuditKeys([FORMER]).public)


async def test_a_part_of_the_log_is_proven_as_a_part(sqlite_log: SealedLog, path: Path) -> None:
    await sqlite_log.sealed(*[2] * 20)
    start = sqlite_log.now - 20
    assert await export(sqlite_log, path, since=start + 2, until=start + 19) == 34
    report = await proven(path, sqlite_log.keys.public)
    assert report.holds
    assert report.events == 34
    write(path, read(path).replace('"first":2', '"first":1', 1))
    assert not ProofFile(path).head.is_signed(sqlite_log.keys.public)


async def test_nothing_makes_no_export(sqlite_log: SealedLog, path: Path) -> None:
    assert await export(sqlite_log, path) == 0
    assert read(path) == ""
    await sqlite_log.sealed(1)
    assert await export(sqlite_log, path, since=sqlite_log.now + 5) == 0


async def test_an_export_tells_what_was_missing_or_pruned(
    sqlite_log: SealedLog, path: Path
) -> None:
    log = sqlite_log
    await log.sealed(2)
    log.now += 100
    await log.write(2)
    await log.sql("DELETE FROM EVENTS WHERE sequence = 4")
    await log.first.sealer.seal()
    await log.retention().prune(before=log.now - 50)
    await log.first.sealer.seal()
    await export(log, path)
    report = await proven(path, log.keys.public)
    assert (report.tombstones, report.pruned) == (1, 2)
    assert [str(each.kind) for each in report.findings] == ["deleted"]


def without(word: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        place = next(n for n, line in enumerate(lines) if n > 2 and word in line)
        return lines[:place] + lines[place + 1 :]

    return change


def edited(lines: list[str]) -> list[str]:
    return [line.replace('"ada"', '"eve"') if n == 3 else line for n, line in enumerate(lines)]


def doubled(lines: list[str]) -> list[str]:
    extra = json.loads(lines[1])
    extra["event"][0], extra["event"][4] = 77, "c" * 32
    return [*lines[:2], compact(extra), *lines[2:]]


def compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":")) + "\n"


def exchanged(lines: list[str]) -> list[str]:
    one, other = json.loads(lines[1]), json.loads(lines[2])
    one["event"][0], other["event"][0] = other["event"][0], one["event"][0]
    return [lines[0], compact(one), compact(other), *lines[3:]]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (without('"event"'), {"deleted"}),
        (without('"seal"'), {"truncated", "inserted", "reordered"}),
        (lambda lines: lines[:-1], {"truncated", "inserted", "bad seal"}),
        (edited, {"edited"}),
        (doubled, {"inserted", "reordered"}),
        (exchanged, {"reordered", "edited"}),
        (
            lambda lines: [*lines[:2], "no line\n", '{"event":[]}\n', "7\n", *lines[3:]],
            {"deleted", "inserted"},
        ),
        (
            lambda lines: [line.replace('"writer":"first"', '"writer":"x"') for line in lines],
            {"bad seal", "inserted", "reordered"},
        ),
    ],
)
async def test_an_export_that_was_changed_is_found(
    sqlite_log: SealedLog,
    path: Path,
    change: Callable[[list[str]], list[str]],
    kinds: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "REMEMBERED", 2)
    await sqlite_log.sealed(3, 3)
    await export(sqlite_log, path)
    write(path, "".join(change(read(path).splitlines(keepends=True))))
    report = await proven(path, sqlite_log.keys.public)
    assert not report.holds
    found = {str(each.kind) for each in report.findings}
    assert found <= kinds
    assert found


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", "7", '{"zenith_audit_export":2}', '{"zenith_audit_export":1}', "[" * 99999],
)
def test_what_is_no_export_is_refused(line: str) -> None:
    with pytest.raises(ConfigurationError, match="no export"):
        read_head(line)


async def test_memory_is_flat_and_nothing_is_lost_by_it(
    sqlite_log: SealedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "MAX_BUFFERED", 2)
    monkeypatch.setattr(verification, "MAX_LOST", 1)
    monkeypatch.setattr("zenith.audit.reading.ROWS", 4)
    monkeypatch.setattr("zenith.audit.reading.SEALS", 2)
    monkeypatch.setattr("zenith.audit.findings.MAX_KEPT", 2)
    log = sqlite_log
    other = log.process("other")
    for _ in range(4):
        await log.write(3, other)
        await log.write(2)
        await log.first.sealer.seal()
    await other.sealer.seal()
    await log.write(1)
    report = await log.verify()
    assert report.holds
    assert (report.events, report.awaiting) == (20, 1)
    await log.sql("DELETE FROM EVENTS WHERE sequence < 6")
    report = await log.verify()
    assert report.damages == 5
    assert len([each for each in report.findings if each.kind == "deleted"]) == 2


async def test_progress_is_told(sqlite_log: SealedLog) -> None:
    await sqlite_log.sealed(2, 3)
    told: list[int] = []
    log = sqlite_log
    await Verification(
        StoredLog(log.first.seals, "main"),
        "main",
        keys=log.keys,
        public=log.keys.public,
        progress=told.append,
    ).run()
    assert told == [2, 5]


def respaced(lines: list[str]) -> list[str]:
    return [lines[0], json.dumps(json.loads(lines[1])) + "\n", *lines[2:]]


def with_a_second_meaning(lines: list[str]) -> list[str]:
    """JSON with one member twice: who reads the first finds another event than the others."""
    other = lines[1].replace('"ada"', '"eve"').rstrip()[:-1]
    return [lines[0], f"{other},{lines[1][1:]}", *lines[2:]]


def a_fraction(lines: list[str]) -> list[str]:
    return [line.replace('{"seal":0,', '{"seal":0.0,') for line in lines]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (lambda lines: [*lines, lines[1]], {"inserted"}),
        (lambda lines: [*lines, "\n"], {"inserted"}),
        (lambda lines: [*lines, '{"note":"approved"}\n'], {"inserted"}),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], {"reordered"}),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], {"reordered"}),
        (lambda lines: [lines[0], lines[6], *lines[1:6], *lines[7:]], {"reordered"}),
        (lambda lines: [*lines[:-1], lines[-1].rstrip()], {"inserted", "truncated", "bad seal"}),
        (respaced, {"deleted", "inserted"}),
        (with_a_second_meaning, {"deleted", "inserted"}),
        (a_fraction, {"deleted", "inserted", "truncated", "forked", "reordered"}),
        (lambda lines: [lines[0], *lines[5:]], {"truncated"}),
    ],
)
async def test_nothing_in_a_file_can_be_another_way(
    sqlite_log: SealedLog,
    path: Path,
    change: Callable[[list[str]], list[str]],
    kinds: set[str],
) -> None:
    await sqlite_log.sealed(3, 3)
    await export(sqlite_log, path)
    write(path, "".join(change(read(path).splitlines(keepends=True))))
    report = await proven(path, sqlite_log.keys.public)
    found = {str(each.kind) for each in report.findings}
    assert not report.holds
    assert found <= kinds


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace('"first":0', '"first":0.0'),
        lambda line: line.replace('"first":0', '"first":"0"'),
        lambda line: line.replace('"number":1', '"number":1.5'),
        lambda line: line.replace('"first":0', '"first":0,"by":"somebody"'),
        lambda line: line.replace(",", ", "),
    ],
)
async def test_a_head_is_as_it_was_signed(
    sqlite_log: SealedLog, path: Path, change: Callable[[str], str]
) -> None:
    await sqlite_log.sealed(1, 1)
    await export(sqlite_log, path)
    first, rest = read(path).split("\n", 1)
    write(path, f"{change(first)}\n{rest}")
    with pytest.raises(ConfigurationError, match="no export"):
        ProofFile(path)


async def test_a_part_that_begins_earlier_than_it_says_is_found(
    sqlite_log: SealedLog, path: Path, tmp_path: Path
) -> None:
    """Genuine lines, which nobody exported."""
    await sqlite_log.sealed(1, 1)
    await export(sqlite_log, path)
    part = tmp_path / "part.jsonl"
    await export(sqlite_log, part, since=sqlite_log.now - 1)
    lines = read(path).splitlines(keepends=True)
    head, *rest = read(part).splitlines(keepends=True)
    write(part, "".join([head, *lines[1:3], *rest]))
    report = await proven(part, sqlite_log.keys.public)
    assert [str(each.kind) for each in report.findings] == ["truncated"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE SEALS SET mac = hash WHERE number = 0",
        "UPDATE SEALS SET writer = 'eve' WHERE number = 1",
        "UPDATE SEALS SET mac = 'text' WHERE number = 2",
        "DELETE FROM SEALS WHERE number = 1",
    ],
)
async def test_a_forged_chain_is_not_signed(sqlite_log: SealedLog, path: Path, change: str) -> None:
    """Its signature would prove it to whoever has the public key alone."""
    await sqlite_log.sealed(1, 1, 1)
    await sqlite_log.sql(change)
    with pytest.raises(BrokenLogError):
        await export(sqlite_log, path)


@pytest.mark.parametrize("change", ["subject = x'ff'", "at = 'x'", "details = 12", "mac = 'x'"])
async def test_what_the_log_never_writes_is_missed_in_an_export(
    sqlite_log: SealedLog, path: Path, change: str
) -> None:
    await sqlite_log.sealed(3)
    await sqlite_log.sql("UPDATE EVENTS SET CHANGE WHERE sequence = 2", CHANGE=change)
    await export(sqlite_log, path)
    report = await proven(path, sqlite_log.keys.public)
    (found,) = report.findings
    assert (str(found.kind) in {"deleted", "edited"}, found.sequence) == (True, 2)
