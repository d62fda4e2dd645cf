"""`zenith roles`: what roles are and who holds them, at the machine itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast

import typer

from zenith.accounts import Account, Client, RoleChange, canonical_email
from zenith.assembly import Assembly
from zenith.cli.accounts import operator
from zenith.cli.context import run
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.kernel.clock import wall_clock
from zenith.rbac import EVERYWHERE, RoleAssignment, RoleBook, RoleDefinition

DAY: Final = 86_400
group = typer.Typer(
    help="List, make, change and delete roles; give them and take them away.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The role's name.")]
Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]
Tenant = Annotated[str, typer.Option(help="The tenant in which it counts; * is everywhere.")]
Allows = Annotated[
    list[str] | None,
    typer.Option(
        "--permission",
        "-p",
        help="What it grants: users:read, users:*, posts:write:own; give it several times.",
    ),
]
Inherits = Annotated[
    list[str] | None, typer.Option("--inherits", "-i", help="A role that it implies.")
]
Level = Annotated[int | None, typer.Option(min=0, help="It implies every role with a lower level.")]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
Added = Annotated[
    list[str] | None, typer.Option("--add", help="A permission beside those that it grants.")
]
Removed = Annotated[
    list[str] | None,
    typer.Option("--remove", help="A permission that it shall not grant any more."),
]
Renamed = Annotated[str | None, typer.Option("--rename", help="Its new name; its holders follow.")]
NoLevel = Annotated[bool, typer.Option("--no-level", help="Put it beside the levels.")]
NoPermissions = Annotated[
    bool, typer.Option("--no-permissions", help="Let it grant nothing by itself.")
]
NoInherits = Annotated[bool, typer.Option("--no-inherits", help="Let it imply no role by name.")]


@group.command("list")
def list_roles(as_json: AsJson = False) -> None:
    """List every role."""
    book = run(_book)
    names = sorted(book.definitions, key=lambda name: (-(book.definitions[name].level or -1), name))
    if as_json:
        show_json({"roles": [_document(book, name) for name in names]})
        return
    show([_row(book, name) for name in names], empty="no roles")


@group.command("show")
def show_role(name: Name, as_json: AsJson = False) -> None:
    """Show a role, all that it grants, and who holds it."""

    async def work(assembly: Assembly) -> tuple[RoleBook, Sequence[RoleAssignment]]:
        return await _book(assembly), await assembly.accounts.assignments.holders(name)

    book, holders = run(work)
    _print(book, name, holders, as_json=as_json)


@group.command()
def create(
    name: Name,
    permission: Allows = None,
    inherits: Inherits = None,
    level: Level = None,
    description: Description = None,
    as_json: AsJson = False,
) -> None:
    """Make a role."""
    wanted = RoleDefinition(
        name=name,
        permissions=tuple(permission or ()),
        inherits=tuple(inherits or ()),
        level=level,
        description=description or "",
    )

    async def work(assembly: Assembly) -> RoleBook:
        roles = assembly.accounts.roles
        await roles.create(operator(assembly), wanted, client=Client.local())
        return await roles.book()

    _print(run(work), name, (), as_json=as_json)


@group.command()
def change(
    name: Name,
    permission: Allows = None,
    inherits: Inherits = None,
    level: Level = None,
    description: Description = None,
    add: Added = None,
    remove: Removed = None,
    rename: Renamed = None,
    no_level: NoLevel = False,
    no_permissions: NoPermissions = False,
    no_inherits: NoInherits = False,
    as_json: AsJson = False,
) -> None:
    """Change a role; every process acts by it within a second."""
    if permission and (add or remove or no_permissions):
        fail("--permission says all that the role grants", fix="use it alone", code=ExitCode.USAGE)
    if (level is not None and no_level) or (inherits and no_inherits):
        fail("these options contradict each other", code=ExitCode.USAGE)

    async def work(assembly: Assembly) -> tuple[RoleBook, str]:
        roles = assembly.accounts.roles
        granted = [] if no_permissions else permission
        if add or remove:
            granted = _edited(await roles.book(), name, add or (), remove or ())
        wanted = RoleChange(
            name=rename,
            permissions=granted,
            inherits=[] if no_inherits else inherits,
            level=level,
            without_level=no_level,
            description=description,
        )
        changed = await roles.change(operator(assembly), name, wanted, client=Client.local())
        return await roles.book(), changed.name

    book, present = run(work)
    _print(book, present, (), as_json=as_json)


@group.command()
def delete(name: Name) -> None:
    """Delete a role that was made at run time, or undo the changes of one that the code defines."""

    async def work(assembly: Assembly) -> bool:
        roles = assembly.accounts.roles
        await roles.delete(operator(assembly), name, client=Client.local())
        return name in (await roles.book()).definitions

    say("the role is as the code defines it" if run(work) else "the role is deleted")


@group.command()
def grant(
    email: Email,
    role: Name,
    tenant: Tenant = EVERYWHERE,
    days: Annotated[float | None, typer.Option(min=0.001, help="Days until it ends.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="When it ends, in UTC.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a role to an account, or change until when it is held."""
    if days is not None and until is not None:
        fail("--days and --until both say when it ends", fix="use one", code=ExitCode.USAGE)
    end = None if days is None else wall_clock() + days * DAY
    if until is not None:
        end = until.replace(tzinfo=UTC).timestamp()

    async def work(assembly: Assembly) -> tuple[bool, Sequence[RoleAssignment]]:
        account, assignments = await _account(assembly, email), assembly.accounts.assignments
        given = await assignments.grant(
            operator(assembly),
            account.id,
            role,
            tenant=tenant,
            expires_at=end,
            client=Client.local(),
        )
        return given, await assignments.of_account(account.id)

    given, held = run(work)
    if as_json:
        show_json({"changed": given, "roles": [_assignment(each) for each in held]})
        return
    say(f"the account {'now' if given else 'already'} holds {role}")


@group.command()
def revoke(email: Email, role: Name, tenant: Tenant = EVERYWHERE, as_json: AsJson = False) -> None:
    """Take a role from an account."""

    async def work(assembly: Assembly) -> tuple[bool, Sequence[RoleAssignment]]:
        account, assignments = await _account(assembly, email), assembly.accounts.assignments
        taken = await assignments.revoke(
            operator(assembly), account.id, role, tenant=tenant, client=Client.local()
        )
        return taken, await assignments.of_account(account.id)

    taken, held = run(work)
    if as_json:
        show_json({"changed": taken, "roles": [_assignment(each) for each in held]})
        return
    say(f"the account {'lost the role' if taken else 'did not hold it there'}")


async def _book(assembly: Assembly) -> RoleBook:
    return await assembly.accounts.roles.book()


async def _account(assembly: Assembly, email: str) -> Account:
    _, key = canonical_email(email)
    account = await assembly.accounts.store.by_email(key)
    if account is None:
        fail("no account has this e-mail address", fix="zenith accounts list")
    return account


def _edited(book: RoleBook, name: str, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    present = book.definitions[name].permissions if name in book.definitions else ()
    missing = sorted(set(remove) - set(present))
    if missing and name in book.definitions:
        fail(
            f"the role does not itself grant {', '.join(missing)}", fix=f"zenith roles show {name}"
        )
    return [*(text for text in present if text not in remove), *add]


def _print(book: RoleBook, name: str, holders: Sequence[RoleAssignment], *, as_json: bool) -> None:
    if name not in book.definitions:
        fail("there is no such role", fix="zenith roles list")
    document = _document(book, name)
    if as_json:
        show_json({**document, "holders": [_assignment(each) for each in holders]})
        return
    for key, value in document.items():
        text = ", ".join(cast("list[str]", value)) if isinstance(value, list) else value
        say(f"{key:12} {'-' if text is None or text == '' else text}")
    for each in holders:
        place = "everywhere" if each.tenant == EVERYWHERE else f"in {each.tenant}"
        say(f"{'held by':12} {each.account_id} {place} {_end(each)}".rstrip())


def _row(book: RoleBook, name: str) -> dict[str, Any]:
    definition = book.definitions[name]
    return {
        "role": name,
        "level": "-" if definition.level is None else definition.level,
        "from": book.origins[name],
        "inherits": ", ".join(definition.inherits) or "-",
        "grants": ", ".join(definition.permissions) or "-",
    }


def _document(book: RoleBook, name: str) -> dict[str, Any]:
    definition = book.definitions[name]
    implied, grants = book.roles.compile((name,))
    return {
        "name": name,
        "level": definition.level,
        "origin": book.origins[name],
        "description": definition.description,
        "permissions": list(definition.permissions),
        "inherits": list(definition.inherits),
        "implies": sorted(implied - {name}),
        "grants": list(grants),
    }


def _assignment(assignment: RoleAssignment) -> dict[str, Any]:
    end = assignment.expires_at
    return {
        "account_id": assignment.account_id,
        "role": assignment.role,
        "tenant": assignment.tenant,
        "expires_at": None if end is None else datetime.fromtimestamp(end, UTC).isoformat(),
        "granted_by": assignment.granted_by,
    }


def _end(assignment: RoleAssignment) -> str:
    end = assignment.expires_at
    return "" if end is None else f"until {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC"
