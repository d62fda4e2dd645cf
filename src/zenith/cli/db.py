"""`zenith db`: the schema of the database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from zenith.assembly import Assembly
from zenith.cli.context import run
from zenith.cli.output import fail, say, show, show_json
from zenith.stores.sql import current, is_current, privileges
from zenith.stores.sql import upgrade as upgrade_schema

group = typer.Typer(help="Create and upgrade the database schema.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Prunes = Annotated[bool, typer.Option("--prunes", help="The role removes old audit events, too.")]


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


@group.command()
def grants(
    role: Annotated[str, typer.Argument(help="The application's user of PostgreSQL.")],
    prunes: Prunes = False,
    as_json: AsJson = False,
) -> None:
    """Print the SQL that gives a role what the application needs and nothing more, for the owner
    of the tables: `zenith db grants app | psql`.
    """

    async def work(assembly: Assembly) -> list[str]:
        return await privileges.grants(assembly.database, role, prunes=_prunes(assembly, prunes))

    statements = run(work, start=False)
    if as_json:
        show_json({"role": role, "statements": statements})
        return
    for statement in statements:
        say(statement)


@group.command(name="privileges")
def show_privileges(prunes: Prunes = False, as_json: AsJson = False) -> None:
    """Say where the user of the database may do more than the application needs, or less; exit 1
    if there is anything.
    """

    async def work(assembly: Assembly) -> list[privileges.Deviation]:
        return await privileges.deviations(assembly.database, prunes=_prunes(assembly, prunes))

    found = [asdict(each) for each in run(work, start=False)]
    if as_json:
        show_json({"holds": not found, "deviations": found})
    else:
        rows = [{name.replace("_", " "): value for name, value in each.items()} for each in found]
        show(rows, empty="the user may do what the application needs, and nothing more")
    if found:
        fail(
            f"the user of the database deviates in {len(found)} places",
            fix="run what `zenith db grants ROLE` prints, as the owner of the tables",
        )


def _prunes(assembly: Assembly, asked: bool) -> bool:
    audit = assembly.settings.audit
    return asked or (audit is not None and audit.keep_days is not None)
