"""`zenith db`: the schema of the database."""

from __future__ import annotations

from typing import Annotated

import typer

from zenith.assembly import Assembly
from zenith.cli.context import run
from zenith.cli.output import fail, say, show, show_json
from zenith.stores.sql import current, is_current
from zenith.stores.sql import upgrade as upgrade_schema

group = typer.Typer(help="Create and upgrade the database schema.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@group.command()
def upgrade() -> None:
    """Bring the schema to this version. Safe to run again, and from several machines at once."""

    async def work(assembly: Assembly) -> list[str]:
        return list(await upgrade_schema(assembly.database))

    applied = run(work, start=False)
    say(f"upgraded: {', '.join(applied)}" if applied else "the schema is up to date")


@group.command()
def status(as_json: AsJson = False) -> None:
    """Say which version the schema has; exit 1 if it needs an upgrade."""

    async def work(assembly: Assembly) -> tuple[str, bool]:
        return str(await current(assembly.database) or "none"), await is_current(assembly.database)

    version, up_to_date = run(work, start=False)
    found = {"version": version, "up_to_date": up_to_date}
    if as_json:
        show_json(found)
    else:
        show([found | {"up_to_date": "yes" if up_to_date else "no"}], empty="")
    if not up_to_date:
        fail("the schema is not the one of this version", fix="zenith db upgrade")
