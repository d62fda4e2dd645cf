from __future__ import annotations

import io

import pytest
import typer

from zenith.cli import output
from zenith.cli.output import ExitCode, fail, fail_with, printable, say, show, show_json
from zenith.kernel.errors import ConfigurationError, ConflictError, ServiceUnavailableError

EVIL = "\x1b]0;owned\x07\x1b[31mred\x9b2J\r\n\u202egro.elpmaxe\u200b[bold]:smile:"


def test_nothing_commands_the_terminal(capsys):
    say(EVIL)
    show([{"email": EVIL, "n": 1}], empty="")
    with pytest.raises(typer.Exit):
        fail(EVIL, fix=EVIL)
    show_json({"email": EVIL})
    seen = capsys.readouterr()
    for character in "\x1b\x07\x9b\r\u202e\u200b":
        assert character not in seen.out + seen.err
    assert "[bold]:smile:" in seen.out
    assert "[bold]:smile:" in seen.err


def test_printable_keeps_what_people_write():
    assert printable("Zoë 名前 😀 O'Neil") == "Zoë 名前 😀 O'Neil"


def test_rows_are_lines_in_columns(capsys):
    show([{"a_name": "x" * 300, "b": 1}, {"a_name": "名前", "b": None}], empty="")
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["a", "name", "b"]
    assert first == "x" * 300 + "  1"
    assert second == "名前" + " " * 296 + "  None"


def test_no_rows_are_said(capsys):
    show([], empty="no accounts")
    assert capsys.readouterr().out == "no accounts\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigurationError("p", fix="f"), ExitCode.USAGE, "error: p\n  fix: f\n"),
        (ConfigurationError("p\n  q"), ExitCode.USAGE, "error: p\n  q\n"),
        (ConflictError("taken", reason="secret"), ExitCode.REFUSED, "error: taken\n"),
        (
            ServiceUnavailableError(reason="database: refused"),
            ExitCode.UNAVAILABLE,
            "error: no answer from database: refused\n  fix: start it, or correct ZENITH_DATABASE",
        ),
        (ServiceUnavailableError(), ExitCode.UNAVAILABLE, "error: no answer from a server\n"),
    ],
)
def test_errors_say_what_to_do(capsys, error, code, said):
    with pytest.raises(typer.Exit) as ended:
        fail_with(error)
    assert ended.value.exit_code == code
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_colours_are_for_terminals(monkeypatch, terminal, no_color, coloured):
    class Screen(io.StringIO):
        def isatty(self):
            return terminal

    screen = Screen()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stderr", screen)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr(
        output, "_errors", output.Console(stderr=True, highlight=False, soft_wrap=True)
    )
    with pytest.raises(typer.Exit):
        fail("p")
    assert ("\x1b[1;31m" in screen.getvalue()) is coloured
    assert "error:" in screen.getvalue()
