from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.audit.fakes import event
from zenith.audit.json_lines import MAX_LINE, JsonLines, line_of
from zenith.kernel.errors import ConfigurationError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "audit.jsonl"


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines() if line]


def test_a_line_holds_the_whole_event_in_utc() -> None:
    assert json.loads(line_of(event(subject="ada", details={"n": 1}))) == {
        "at": "2027-01-15T08:00:00.500+00:00",
        "type": "LOGIN_SUCCESS",
        "outcome": "success",
        "severity": "INFO",
        "subject": "ada",
        "target": None,
        "session_id": None,
        "scheme": "",
        "address": None,
        "user_agent": None,
        "request_id": None,
        "trace_id": None,
        "event_id": "",
        "reason": "",
        "details": {"n": 1},
    }


def test_details_that_do_not_fit_are_left_out() -> None:
    line = line_of(event(subject="ada", details={"big": "x" * MAX_LINE}))
    assert len(line) < MAX_LINE
    assert json.loads(line)["subject"] == "ada"
    assert list(json.loads(line)["details"]) == ["left_out"]


def test_the_file_is_its_owners_alone(path: Path) -> None:
    lines = JsonLines(path)
    lines.open()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes() == b""
    lines.append([event(subject="a"), event(subject="b")], sync=True)
    lines.append([event(subject="c")])
    assert [each["subject"] for each in written(path)] == ["a", "b", "c"]
    lines.close()
    lines.close()


def test_a_renamed_file_is_begun_anew(path: Path) -> None:
    lines = JsonLines(path)
    lines.append([event(subject="a")])
    path.rename(path.with_suffix(".1"))
    lines.append([event(subject="b")])
    path.rename(path.with_suffix(".2"))
    path.touch()
    lines.append([event(subject="c")])
    found = [written(path.with_suffix(suffix)) for suffix in (".1", ".2", ".jsonl")]
    assert [each["subject"] for file in found for each in file] == ["a", "b", "c"]
    lines.close()


def test_a_line_cut_short_by_a_crash_is_closed_first(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(line_of(event(subject="a")) + b'{"at":"2026')
    lines = JsonLines(path)
    lines.append([event(subject="b")])
    lines.append([event(subject="c")])
    first, cut, *rest = path.read_bytes().splitlines()
    assert json.loads(first)["subject"] == "a"
    assert cut == b'{"at":"2026'
    assert [json.loads(line)["subject"] for line in rest] == ["b", "c"]
    lines.close()


def test_a_line_cut_short_by_a_full_disk_is_closed_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = JsonLines(path)
    lines.open()
    write, calls = os.write, iter([10, None])

    def full(descriptor: int, data: memoryview) -> int:
        size = next(calls)
        if size is None:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:size])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            lines.append([event(subject="a")])
    lines.append([event(subject="b")])
    _, last = path.read_bytes().splitlines()
    assert json.loads(last)["subject"] == "b"
    lines.close()


def test_a_short_write_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    lines = JsonLines(path)
    lines.append([event(subject="a")])
    assert written(path)[0]["subject"] == "a"
    lines.close()


def test_a_path_that_cannot_be_written_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "audit.jsonl"):
        with pytest.raises(ConfigurationError, match=r"audit\.json_lines") as caught:
            JsonLines(path).open()
        assert caught.value.fix


def test_what_is_no_regular_file_can_be_written() -> None:
    lines = JsonLines(Path("/dev/null"))
    lines.append([event()])
    lines.close()


def test_a_pipe_that_nobody_reads_is_told_and_hangs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        JsonLines(path).open()
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    lines = JsonLines(path)
    lines.append([event(subject="a")])
    assert json.loads(os.read(reader, 4096))["subject"] == "a"
    many = [event(details={str(number): "y" * 500 for number in range(20)})] * 20
    with pytest.raises(BlockingIOError):
        lines.append(many)
    with suppress(BlockingIOError):
        while os.read(reader, 65_536):
            pass
    lines.append([event(subject="b")])
    assert os.read(reader, 4096).startswith(b"\n{")
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        lines.append([event()])
    lines.close()
