"""`zenith bans`: who is kept out, at the machine itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from zenith.abuse.bans import Ban, Bans
from zenith.assembly import Assembly
from zenith.cli.accounts import operator
from zenith.cli.context import run
from zenith.cli.output import say, show, show_json

DAY: Final = 86_400.0
group = typer.Typer(help="List, add and lift bans.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Target = Annotated[
    str,
    typer.Argument(help="An address, a network such as 203.0.113.0/24, account:ID or api_key:ID."),
]


@group.command("list")
def list_bans(
    search: Annotated[str, typer.Option(help="Part of the target or the reason.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List who is banned, the newest first."""

    async def work(assembly: Assembly) -> Sequence[Ban]:
        return await _bans(assembly).active(limit=limit, search=search)

    found = run(work)
    if as_json:
        show_json({"bans": [_document(ban) for ban in found]})
        return
    show([_row(ban) for ban in found], empty="nobody is banned")


@group.command()
def add(
    target: Target,
    reason: Annotated[str, typer.Option(help="Why, for administrators and the audit log.")],
    days: Annotated[
        float | None, typer.Option(min=0.001, help="Days until it ends; without, until lifted.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ban somebody; every process refuses within a second."""

    async def work(assembly: Assembly) -> Ban:
        return await _bans(assembly).ban(
            target,
            reason=reason,
            seconds=None if days is None else days * DAY,
            by=operator(assembly).subject,
        )

    made = run(work)
    if as_json:
        show_json(_document(made))
        return
    say(f"{made.target} is banned {_end(made.until)}")


@group.command()
def lift(target: Target, as_json: AsJson = False) -> None:
    """Lift a ban."""

    async def work(assembly: Assembly) -> bool:
        return await _bans(assembly).lift(target, by=operator(assembly).subject)

    lifted = run(work)
    if as_json:
        show_json({"lifted": lifted})
        return
    say("the ban is lifted" if lifted else "there was no such ban")


def _bans(assembly: Assembly) -> Bans:
    found: Bans = assembly.services[Bans]
    return found


def _row(ban: Ban) -> dict[str, Any]:
    return {
        "target": ban.target,
        "until": _end(ban.until),
        "made_by": ban.made_by,
        "reason": ban.reason,
    }


def _document(ban: Ban) -> dict[str, Any]:
    return {
        "target": str(ban.target),
        "kind": ban.target.kind,
        "reason": ban.reason,
        "made_by": ban.made_by,
        "automatic": ban.automatic,
        "offences": ban.offences,
        "created_at": datetime.fromtimestamp(ban.created_at, UTC).isoformat(),
        "until": None if ban.until is None else datetime.fromtimestamp(ban.until, UTC).isoformat(),
    }


def _end(until: float | None) -> str:
    if until is None:
        return "until it is lifted"
    return f"until {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC"
