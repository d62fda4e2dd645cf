"""`zenith api-keys`: keys of programs, at the machine itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from zenith.accounts import canonical_email
from zenith.api_keys import (
    PAGE,
    Actor,
    APIKey,
    APIKeys,
    IssuedKey,
    KeyRequest,
    next_cursor,
    read_cursor,
)
from zenith.assembly import Assembly
from zenith.cli.context import run
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.kernel.clock import wall_clock
from zenith.kernel.principal import Principal

DAY: Final = 86_400
group = typer.Typer(help="List, make, rotate and revoke API keys.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")]


@group.command("list")
def list_keys(
    after: Annotated[str, typer.Option(help="Continue where the last page ended.")] = "",
    as_json: AsJson = False,
) -> None:
    """List everybody's keys, the newest first, a page at a time. Keys themselves are not kept."""

    async def work(assembly: Assembly) -> Sequence[APIKey]:
        return await _keys(assembly).page(_operator(), after=read_cursor(after))

    found = run(work)
    more = next_cursor(found, PAGE)
    if as_json:
        show_json({"keys": [_document(key) for key in found[:PAGE]], "after": more})
        return
    show([_row(key) for key in found[:PAGE]], empty="no API keys")
    if more is not None:
        say(f"more: zenith api-keys list --after {more}")


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; give it several times.")
    ] = None,
    owner: Annotated[
        str, typer.Option(help="E-mail address of its owner; without one it is a service's.")
    ] = "",
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires.")] = None,
    rate_limit: Annotated[int | None, typer.Option(min=1, help="Requests per hour.")] = None,
    thumbprint: Annotated[
        str | None,
        typer.Option(help="RFC 7638 thumbprint of the public key that each use must prove."),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="The tenant in which it acts; its owner belongs to it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once."""

    async def work(assembly: Assembly) -> IssuedKey:
        keys = _keys(assembly)
        request = KeyRequest(
            name=name,
            scopes=scope or (),
            lifetime=None if days is None else float(days * DAY),
            rate_limit=rate_limit,
            owner_id=await _owner_id(assembly, owner),
            thumbprint=thumbprint,
            tenant=tenant,
        )
        return await keys.issue(_operator(), request)

    _print(run(work), as_json=as_json)


@group.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="Seconds for which the old key still works.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key's successor and print it, once."""

    async def work(assembly: Assembly) -> IssuedKey:
        return await _keys(assembly).rotate(_operator(), key_id, overlap=overlap)

    _print(run(work), as_json=as_json)


@group.command()
def revoke(key_id: KeyId, as_json: AsJson = False) -> None:
    """End a key: every server refuses it within a second."""

    async def work(assembly: Assembly) -> bool:
        return await _keys(assembly).revoke(_operator(), key_id)

    revoked = run(work)
    if as_json:
        show_json({"id": key_id, "revoked": revoked})
        return
    say("the key is revoked" if revoked else "the key was revoked before")


def _keys(assembly: Assembly) -> APIKeys:
    if assembly.api_keys is None:
        fail("API keys are off", fix="leave ZENITH_API_KEYS on", code=ExitCode.USAGE)
    return assembly.api_keys


async def _owner_id(assembly: Assembly, email: str) -> str | None:
    if not email:
        return None
    account = await assembly.accounts.store.by_email(canonical_email(email)[1])
    if account is None:
        fail("no account has this e-mail address", fix="zenith accounts list")
    return account.id


def _operator() -> Actor:
    """Whoever can run commands on the machine holds its database and keys: no check would bind."""
    return Actor.local(Principal(subject="operator", kind="service", scheme="cli"))


def _print(issued: IssuedKey, *, as_json: bool) -> None:
    if as_json:
        show_json(_document(issued.record) | {"key": issued.secret.reveal()})
        return
    say(issued.secret.reveal(), style="bold")
    say(f"id {issued.record.id}, works until {_iso(issued.record.expires_at)}")
    say("Keep it now: it cannot be shown again.")


def _row(key: APIKey) -> dict[str, Any]:
    alive = key.is_alive(wall_clock())
    return {
        "name": key.name,
        "prefix": key.prefix,
        "owner": key.owner_id or "a service",
        "tenant": key.tenant or "",
        "scopes": " ".join(key.scopes),
        "state": "working" if alive else "revoked" if key.revoked else "expired",
        "last_used": _iso(key.last_used_at) or "never",
        "id": key.id,
    }


def _document(key: APIKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "owner_id": key.owner_id,
        "scopes": list(key.scopes),
        "rate_limit": key.rate_limit,
        "created_at": _iso(key.created_at),
        "expires_at": _iso(key.expires_at),
        "revoked_at": _iso(key.revoked_at),
        "replaced_by": key.replaced_by,
        "last_used_at": _iso(key.last_used_at),
        "last_used_address": key.last_used_address,
        "thumbprint": key.thumbprint,
        "tenant": key.tenant,
    }


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
