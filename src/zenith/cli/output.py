"""What commands print: text for people, JSON for programs, colours only on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NoReturn

import typer
from rich.cells import cell_len
from rich.console import Console

from zenith.kernel.errors import (
    BadRequestError,
    ConfigurationError,
    SecurityError,
    ValidationError,
)


class ExitCode(IntEnum):
    """What scripts may rely on."""

    OK = 0
    REFUSED = 1
    """The command was understood, and the answer is no."""
    USAGE = 2
    """Wrong arguments or settings."""
    UNAVAILABLE = 3
    """A database, a server or a port is not to be had."""


GAP: Final = "  "
REACH: Final = "start it, or correct ZENITH_DATABASE__URL and ZENITH_REDIS__URL"
_screen: Final = Console(highlight=False, soft_wrap=True)
_errors: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, style: str = "") -> None:
    """A line for people."""
    _screen.print(printable(text), style=style or None, markup=False, emoji=False)


def show(rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """Rows in columns, each row one line however narrow the screen is."""
    if not rows:
        say(empty)
        return
    lines = [[name.replace("_", " ") for name in rows[0]]]
    lines += [[printable(str(value)) for value in row.values()] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        cells = [
            cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)
        ]
        say(GAP.join(cells).rstrip(), style="" if number else "bold")


def show_json(value: Any) -> None:
    """One JSON document, all ASCII, so that nothing in it commands a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def fail(problem: str, *, fix: str = "", code: ExitCode = ExitCode.REFUSED) -> NoReturn:
    """Say what is wrong and what to do, and end the command."""
    _errors.print("error:", style="bold red", end=" ")
    for line in problem.splitlines():
        _errors.print(printable(line), markup=False, emoji=False)
    if fix:
        _errors.print(f"  fix: {printable(fix)}", markup=False, emoji=False)
    raise typer.Exit(code)


def fail_with(error: ConfigurationError | SecurityError) -> NoReturn:
    """End the command for an error of ours."""
    if isinstance(error, ConfigurationError):
        fail(error.problem, fix=error.fix, code=ExitCode.USAGE)
    if error.code == "unavailable":
        fail(f"no answer from {error.reason or 'a server'}", fix=REACH, code=ExitCode.UNAVAILABLE)
    wrong = isinstance(error, BadRequestError | ValidationError)
    fail(error.detail, code=ExitCode.USAGE if wrong else ExitCode.REFUSED)


def printable(text: str) -> str:
    """`text` without what commands a terminal or hides on it.

    Threat: escape sequences in names that people chose, which rewrite what the operator sees or
    run what the operator never typed (ASVS 16.4.1).
    """
    return "".join(character if character.isprintable() else "?" for character in text)
