from __future__ import annotations

import errno
import os
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from zenith.cli import application, main


def test_version(zenith, monkeypatch):
    monkeypatch.setattr(application, "version_of", lambda name: f"1.2.3 of {name}")
    result = zenith("--version")
    assert (result.exit_code, result.stdout) == (0, "zenith 1.2.3 of zenith-security\n")

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(application, "version_of", missing)
    assert zenith("--version").stdout == "zenith from source, not installed\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["serve", "-h"], ["accounts", "--help"]])
def test_help(zenith, arguments):
    result = zenith(*arguments)
    assert result.exit_code == 0
    assert "Usage: zenith" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["db"], ["nonsense"], ["serve", "--port", "0"]])
def test_wrong_arguments(zenith, arguments):
    assert zenith(*arguments).exit_code == 2


def test_main(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["whatever", "accounts", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "zenith accounts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/key"), None),
        (OSError(errno.ENOENT, "No such file"), None),
    ],
)
def test_output_that_has_no_room_is_told(monkeypatch, capfd, error, said):
    def full(**_):
        raise error

    closed = []
    monkeypatch.setattr(application, "application", full)
    monkeypatch.setattr(os, "close", closed.append)
    with pytest.raises(OSError if said is None else SystemExit) as ended:
        main()
    if said is not None:
        assert ended.value.code == 3
        assert capfd.readouterr().err == f"error: cannot write what was found: {said}\n"
        assert closed


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ZENITH_NONSENSE": "1"}, "ZENITH_NONSENSE is no setting"),
        ({"ZENITH_WORKERS": "many"}, "ZENITH_WORKERS"),
        ({"ZENITH_SECRET_KEY": "changeme"}, "ZENITH_SECRET_KEY"),
        ({"ZENITH_ORIGIN": "nowhere"}, "ZENITH_ORIGIN"),
        ({"ZENITH_HOME": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
@pytest.mark.parametrize("command", [["accounts", "list"], ["serve"]])
def test_settings_that_do_not_hold(zenith, command, variables, said):
    result = zenith(*command, **variables)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "fix: " in result.stderr
    assert "Traceback" not in result.output
    assert "changeme" not in result.output
