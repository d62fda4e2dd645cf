"""`zenith accounts`: what an operator does at the machine itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from zenith.accounts import PAGE, Account, Client, canonical_email
from zenith.assembly import Assembly
from zenith.cli.context import run
from zenith.cli.output import fail, say, show, show_json
from zenith.kernel.principal import Principal

group = typer.Typer(help="List, lock and unlock accounts.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]


@group.command("list")
def list_accounts(
    search: Annotated[str, typer.Option(help="Part of the e-mail address.")] = "",
    after: Annotated[str, typer.Option(help="Continue after this e-mail address.")] = "",
    as_json: AsJson = False,
) -> None:
    """List accounts in the order of their e-mail addresses, a page at a time."""

    async def work(assembly: Assembly) -> Sequence[Account]:
        return await assembly.accounts.administration.page(after=after or None, search=search)

    found = run(work)
    more = found[PAGE - 1].email_key if len(found) > PAGE else None
    if as_json:
        show_json({"accounts": [_document(account) for account in found[:PAGE]], "after": more})
        return
    show([_row(account) for account in found[:PAGE]], empty="no accounts")
    if more is not None:
        again = f" --search '{search}'" if search else ""
        say(f"more: zenith accounts list{again} --after '{more}'")


@group.command()
def lock(email: Email) -> None:
    """Lock an account: it cannot sign in, and all its sessions and tokens end at once."""
    _change(email, lock=True)


@group.command()
def unlock(email: Email) -> None:
    """Let a locked account sign in again."""
    _change(email, lock=False)


def _change(email: str, *, lock: bool) -> None:
    async def work(assembly: Assembly) -> bool:
        _, key = canonical_email(email)
        account = await assembly.accounts.store.by_email(key)
        if account is None:
            fail("no account has this e-mail address", fix="zenith accounts list")
        administration = assembly.accounts.administration
        change = administration.lock if lock else administration.unlock
        return await change(operator(assembly), account.id, client=Client.local())

    changed = run(work)
    state = "locked" if lock else "open"
    say(f"the account is {'now' if changed else 'already'} {state}")


def operator(assembly: Assembly) -> Principal:
    """Whoever can run commands on the machine holds its database and keys: no check would bind."""
    roles, permissions = assembly.roles.compile((assembly.settings.rbac.administrator,))
    return Principal(
        subject="operator", kind="service", roles=roles, permissions=permissions, scheme="cli"
    )


def _row(account: Account) -> dict[str, Any]:
    return {
        "email": account.email,
        "roles": ", ".join(account.roles),
        "state": "open" if account.is_active else "locked",
        "created": datetime.fromtimestamp(account.created_at, UTC).strftime("%Y-%m-%d %H:%M"),
        "id": account.id,
    }


def _document(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "roles": list(account.roles),
        "permissions": list(account.permissions),
        "locked": not account.is_active,
        "created_at": _iso(account.created_at),
        "last_sign_in_at": _iso(account.last_sign_in_at),
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
