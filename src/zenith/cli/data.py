"""`zenith data`: what sensitive data an application has."""

from __future__ import annotations

from typing import Annotated

import typer

from zenith.app import Zenith
from zenith.assembly.inventory import InventoryLine, lines_of
from zenith.cli.output import ExitCode, fail, show, show_json
from zenith.cli.routes import load_application

group = typer.Typer(help="What sensitive data an application has.", no_args_is_help=True)


@group.callback()
def data() -> None:
    """What sensitive data an application has."""


@group.command()
def inventory(
    application: Annotated[str, typer.Argument(help="Module and attribute, such as main:app.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="End with 1 if a field is stored in plain text."),
    ] = False,
) -> None:
    """Print every sensitive field: where it is kept, how, and in which answers it leaves. Nothing
    is started.
    """
    app = load_application(application)
    if not isinstance(app, Zenith):
        fail(f"`{application}` is no Zenith application", fix="name one", code=ExitCode.USAGE)
    lines = lines_of(app)
    if as_json:
        show_json({"fields": [each.as_json() for each in lines]})
    else:
        show([_row(each) for each in lines], empty="no sensitive fields")
    plain = [each for each in lines if each.table and not each.encrypted]
    if strict and plain:
        fail(
            f"{len(plain)} of {len(lines)} fields are stored in plain text",
            fix="give their models an `__encryption__`",
        )


def _row(line: InventoryLine) -> dict[str, str]:
    return {
        "field": f"{line.model.rpartition('.')[2]}.{line.field}",
        "type": line.kind,
        "class": line.category,
        "table": line.table or "-",
        "encrypted": "-" if not line.table else "yes" if line.encrypted else "NO",
        "index": line.indexed or "-",
        "leaves in": ", ".join(line.routes) or "-",
        "masked in": ", ".join(line.masked) or "-",
        "in repr": "SHOWN" if line.shown else "-",
    }
