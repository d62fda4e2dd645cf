"""`zenith keys`: the keys that sign access tokens, and those that encrypt values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from zenith.assembly import Assembly
from zenith.cli.context import read_settings, run
from zenith.cli.encryption_keys import (
    documents,
    generate,
    knows,
    let_writers_end,
    retire_encryption,
    rotate_encryption,
)
from zenith.cli.key_events import tell_unrecorded
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.cli.reencrypt import reencrypt, refuse_needed
from zenith.cli.rewrap import rewrap
from zenith.encryption.key_set import KeyUse
from zenith.kernel.clock import wall_clock
from zenith.settings import Settings
from zenith.tokens import KeyRotation, KeyState
from zenith.tokens.rotation import PUBLISH_AHEAD

group = typer.Typer(
    help="Make, list, rotate and retire keys: of tokens, and of encryption.", no_args_is_help=True
)
group.command()(generate)
group.command()(reencrypt)
group.command()(rewrap)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@group.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys of tokens and of encryption, the oldest first. Keys themselves stay."""
    settings = read_settings()
    own = documents(settings)

    async def work(assembly: Assembly) -> Sequence[KeyState]:
        if own is not None and assembly.key_rotation is None:
            return ()
        return await _rotation(assembly).states()

    keys = [_document(key) for key in run(work, settings=settings)]
    if as_json:
        show_json({"keys": keys, "encryption": own or []})
        return
    if keys or own is None:
        show(keys, empty="no signing keys")
    if own is not None:
        show(own, empty="")


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
    encryption: Annotated[
        bool, typer.Option("--encryption", help="The key of encrypted values, not of tokens.")
    ] = False,
    index: Annotated[
        bool, typer.Option("--index", help="The key of blind indexes, not of tokens.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the next signing key, for in an hour; or that of encryption, for when all know it."""
    if encryption or index:
        if retire or (encryption and index):
            _fail_together()
        use: KeyUse = "indexes" if index else "values"
        rotate_encryption(read_settings(), use, now=now, as_json=as_json)
        return

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


@group.command("retire", context_settings={"ignore_unknown_options": True})  # ids may begin with -
def retire_key(
    kid: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")],
    application: Annotated[
        str, typer.Argument(help="For a key of encryption: the application, such as main:app.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Destroy a key of encryption without asking.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Refuse the tokens of a key that no longer signs, within a second everywhere. A key of
    encryption is destroyed for good, if no row of the application needs it.
    """
    settings = read_settings()
    use = knows(settings, kid)
    if use is not None:
        reason = _destroy(settings, use, kid, application, yes=yes)
        if as_json:
            show_json({"kid": kid, "retired": True, "recorded": not reason})
        else:
            say("the key is destroyed; so must be its copies in backups of the keys")
            tell_unrecorded(reason)
        return

    async def work(assembly: Assembly) -> bool:
        return await _rotation(assembly).retire(kid)

    retired = run(work, settings=settings)
    if as_json:
        show_json({"kid": kid, "retired": retired})
        return
    say("the key is retired" if retired else "there is no such key in use")


def _fail_together() -> NoReturn:
    fail(
        "these options do not go together",
        fix="rotate one kind of key; retire it by `zenith keys retire`",
        code=ExitCode.USAGE,
    )


def _destroy(settings: Settings, use: KeyUse, kid: str, application: str, *, yes: bool) -> str:
    if not application:
        fail(
            "a key of encryption is retired only if no row needs it",
            fix=f"name the application: zenith keys retire {kid} main:app",
            code=ExitCode.USAGE,
        )
    let_writers_end(settings)
    refuse_needed(application)
    if not yes:
        question = (
            f"Whatever else key {kid} has encrypted (files, caches) never opens again. Go on?"
        )
        typer.confirm(question, abort=True)
    return retire_encryption(settings, use, kid)


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
