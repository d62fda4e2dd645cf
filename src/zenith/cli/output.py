"""What commands print: text for people, JSON for programs, colours only on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from zenith.kernel.errors import ConfigurationError, SecurityError


class ExitCode(IntEnum):
    """What scripts may rely on."""

    OK = 0
    REFUSED = 1
    """The command was understood, and the answer is no."""
    USAGE = 2
    """Wrong arguments or settings."""
    UNAVAILABLE = 3
    """A database or server does not answer."""


_screen: Final = Console(highlight=False, soft_wrap=True)
_errors: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, style: str = "") -> None:
    """A line for people."""
    _screen.print(text, style=style or None, markup=False)


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str) -> None:
    """Rows as a table, or as one JSON list."""
    if as_json:
        sys.stdout.write(json.dumps(list(rows), default=str, indent=2) + "\n")
        return
    if not rows:
        say(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(_printable(value) for value in row.values()))
    _screen.print(table)


def fail(problem: str, *, fix: str = "", code: ExitCode = ExitCode.REFUSED) -> NoReturn:
    """Say what is wrong and what to do, and end the command."""
    _errors.print("error:", style="bold red", end=" ")
    _errors.print(problem, markup=False)
    if fix:
        _errors.print(f"  fix: {fix}", markup=False)
    raise typer.Exit(code)


def fail_with(error: Exception) -> NoReturn:
    """End the command for an error of ours."""
    if isinstance(error, ConfigurationError):
        fail(error.problem, fix=error.fix, code=ExitCode.USAGE)
    if isinstance(error, SecurityError):
        unavailable = error.code == "unavailable"
        why = f"{error.detail} ({error.reason})" if error.reason else error.detail
        fail(why, code=ExitCode.UNAVAILABLE if unavailable else ExitCode.REFUSED)
    raise error


def _printable(value: object) -> str:
    """Whatever people typed into the application must not command the operator's terminal."""
    return "".join(character if character.isprintable() else "?" for character in str(value))
