"""Checkpoints, and the file that keeps them."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.audit.sealed import FORMER, SECRET
from zenith.audit.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from zenith.audit.checkpoint_file import MAX_LINE, CheckpointFile
from zenith.audit.json_lines import line_of
from zenith.audit.keys import AuditKeys
from zenith.audit.seal import Head
from zenith.audit.shipping.syslog import SyslogFormat
from zenith.kernel.errors import ConfigurationError

KEYS = AuditKeys([SECRET])


def made(number: int = 3, stream: str = "main") -> Checkpoint:
    return sign_checkpoint(KEYS, stream, Head(number, b"\x05" * 32, 12), 1.5)


def test_a_checkpoint_comes_back() -> None:
    line = made().line()
    assert line.endswith("\n")
    again = read_checkpoint(line)
    assert again == made()
    assert again.is_signed(KEYS.public)
    assert again.is_signed(AuditKeys([FORMER]).public) is None


@pytest.mark.parametrize(
    "change", [{"number": 4}, {"total": 0}, {"at": 2.0}, {"stream": "x"}, {"hash": b"\x06" * 32}]
)
def test_every_member_is_signed(change: dict[str, object]) -> None:
    assert replace(made(), **change).is_signed(KEYS.public) is False  # type: ignore[arg-type]


def test_what_cannot_be_signed_is_not() -> None:
    assert replace(made(), number=1 << 80).is_signed(KEYS.public) is False


@pytest.mark.parametrize(
    "change",
    [
        {"zenith_audit_checkpoint": 2},
        {"hash": "zz"},
        {"hash": "00"},
        {"hash": 5},
        {"at": 1e999},
        {"number": None},
        {"number": 1e999},
        {"signature": "!"},
    ],
)
def test_lines_that_are_no_checkpoints_are_refused(change: dict[str, object]) -> None:
    document = json.loads(made().line()) | change
    with pytest.raises(ValueError, match=r"no checkpoint|non-hex"):
        read_checkpoint(json.dumps(document))


@pytest.mark.parametrize("line", ["", "[]", "{}", "[" * 100_000, "7"])
def test_what_is_no_document_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_checkpoint(line)


def test_a_member_that_is_left_out_is_missed() -> None:
    document = json.loads(made().line())
    del document["total"]
    with pytest.raises(ValueError, match="KeyError"):
        read_checkpoint(json.dumps(document))


def test_the_file_keeps_what_it_is_given(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "deep" / "points.jsonl")
    assert file.last("main") is None
    file.open()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert list(file.read()) == []
    file.append(made(1))
    file.append(made(2))
    file.append(made(9, "other"))
    assert file.last("main") == made(2)
    assert list(file.read()) == [made(1), made(2), made(9, "other")]


def test_a_line_that_a_crash_cut_short_hides_no_other(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "points.jsonl")
    file.append(made(1))
    with file.path.open("a") as torn:
        torn.write('{"zenith_audit_ch')
    assert list(file.read()) == [made(1)]
    file.append(made(2))
    assert list(file.read()) == [made(1), made(2)], "a full disk is no tampering"
    with file.path.open("a") as strange:
        strange.write('{"zenith_audit_checkpoint":1}\nno checkpoint\n')
    assert [isinstance(each, str) for each in file.read()] == [False, False, True, True]


@pytest.mark.parametrize("length", [1, 2, 3, 40, -2])
def test_a_disk_that_is_full_leaves_nothing_that_looks_like_tampering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    file = CheckpointFile(tmp_path / "points.jsonl")
    file.append(made(1))
    write, calls = os.write, iter([1])

    def short(descriptor: int, data: memoryview) -> int:
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, "no space")
        return write(descriptor, data[: 1 + (length if length > 0 else len(data) - 1 + length)])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="no space"):
        file.append(made(2))
    monkeypatch.undo()
    assert file.last("main") == made(1)
    file.append(made(3))
    assert list(file.read()) == [made(1), made(3)]


@pytest.mark.parametrize("before", ["", "<110>1 2026-01-01T00:00:00Z host zenith 7 X - "])
def test_what_receivers_got_is_a_checkpoint(tmp_path: Path, before: str) -> None:
    point = made(3)
    event = point.event()
    assert (event.type, event.target) == ("AUDIT_CHECKPOINT", "audit:main")
    assert len(event.event_id) == 32
    line = before + line_of(event).decode()
    assert read_checkpoint(line) == point
    file = CheckpointFile(tmp_path / "points.jsonl")
    file.path.write_text(line + SyslogFormat().message(event).decode() + "\n" + point.line())
    assert list(file.read()) == [point, point, point]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "points.jsonl")
    file.path.write_text("x" * (3 * MAX_LINE))
    assert all(isinstance(each, str) for each in file.read())


def test_a_file_that_cannot_be_made_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        CheckpointFile(tmp_path / "taken" / "points.jsonl").open()
