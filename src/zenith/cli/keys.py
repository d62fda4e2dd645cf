"""`zenith keys`: the keys that sign access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from zenith.assembly import Assembly
from zenith.cli.context import run
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.kernel.clock import wall_clock
from zenith.tokens import KeyRotation, KeyState
from zenith.tokens.rotation import PUBLISH_AHEAD

group = typer.Typer(help="List, rotate and retire signing keys.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@group.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the signing keys, the oldest first, and what each does now. Keys themselves stay."""

    async def work(assembly: Assembly) -> Sequence[KeyState]:
        return await _rotation(assembly).states()

    keys = [_document(key) for key in run(work)]
    if as_json:
        show_json({"keys": keys})
        return
    show(keys, empty="no signing keys")


@group.command()
def rotate(
    now: Annotated[
        bool,
        typer.Option("--now", help="Sign with it at once, also where others do not know it yet."),
    ] = False,
    retire: Annotated[
        bool,
        typer.Option("--retire", help="As after a theft: at once, and refuse all former keys."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the next signing key. It is published now and signs in an hour."""

    async def work(assembly: Assembly) -> tuple[str, list[str]]:
        rotation = _rotation(assembly)
        former = [key.kid for key in await rotation.states() if key.state != "retired"]
        at = None if now or retire else wall_clock() + PUBLISH_AHEAD
        fresh = await rotation.rotate(at=at)
        ended = [kid for kid in former if retire and kid != fresh and await rotation.retire(kid)]
        return fresh, ended

    fresh, ended = run(work)
    if as_json:
        show_json({"kid": fresh, "retired": ended})
        return
    say(f"{fresh} signs " + ("now" if now or retire else "in an hour"))
    for kid in ended:
        say(f"{kid} is retired: its tokens are refused")


@group.command("retire")
def retire_key(
    kid: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Refuse the tokens of a key that no longer signs, within a second everywhere."""

    async def work(assembly: Assembly) -> bool:
        return await _rotation(assembly).retire(kid)

    retired = run(work)
    if as_json:
        show_json({"kid": kid, "retired": retired})
        return
    say("the key is retired" if retired else "there is no such key in use")


def _rotation(assembly: Assembly) -> KeyRotation:
    if assembly.key_rotation is None:
        fail(
            "tokens are signed with the application's secret (HS256)",
            fix="set a new ZENITH_SECRET_KEY and list the old one in ZENITH_PREVIOUS_SECRET_KEYS,"
            " or set ZENITH_TOKENS__ALGORITHM",
            code=ExitCode.USAGE,
        )
    return assembly.key_rotation


def _document(key: KeyState) -> dict[str, str | None]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state,
        "created_at": _iso(key.created_at),
        "signs_at": _iso(key.signs_at),
        "verifies_until": None if key.verifies_until is None else _iso(key.verifies_until),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
