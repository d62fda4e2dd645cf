"""Pages of roles for administrators: what they are, and who holds them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Account, Client, RoleChange
from zenith.accounts.depends import account_services
from zenith.authorization import require_everywhere
from zenith.console.rendering import (
    ASSIGN_ROLES,
    READ_ROLES,
    WRITE_ROLES,
    go_to,
    page_route,
    pages_of,
)
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import NotFoundError, SecurityError, ValidationError
from zenith.pipeline import exchange_of
from zenith.rbac import EVERYWHERE, RoleBook, RoleDefinition

ROLES: Final = "/admin/roles"
HELD: Final = "/admin/accounts/{account_id}/roles"
HOUR: Final = 3600
LENGTHS: Final = {
    0: "for good",
    1: "an hour",
    24: "a day",
    168: "a week",
    720: "30 days",
    2160: "90 days",
    8760: "a year",
}
"""Hours, and what they are called."""
SHOWN: Final = 20
"""Holders and permissions that a page names; the command line and the API name all."""
read_roles = require_everywhere(READ_ROLES)
write_roles = require_everywhere(WRITE_ROLES)
assign_roles = require_everywhere(ASSIGN_ROLES)


class RoleForm(BaseModel):
    """A role, as the form says it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: Annotated[str, Field(max_length=100)] = ""
    permissions: Annotated[str, Field(max_length=400_000)] = ""
    inherits: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=1000)] = []
    level: Annotated[str, Field(max_length=20)] = ""
    description: Annotated[str, Field(max_length=300)] = ""
    complete: Annotated[str, Field(max_length=3)] = ""
    """Said by the page's own form, in which empty means empty."""

    def definition(self) -> RoleDefinition:
        """The role that is asked for. Raises ValidationError for a level that is no number, and
        for a form in which nothing stands: what was lost on the way must not empty a role.
        """
        if not any(self.model_dump().values()):
            raise ValidationError(["The form came empty, so nothing was changed"])
        level = self.level.strip()
        if level and not (level.isascii() and level.isdigit()):
            raise ValidationError(["The level is a whole number, or empty"])
        return RoleDefinition(
            name=self.name.strip(),
            permissions=tuple(self.permissions.replace(",", " ").split()),
            inherits=tuple(self.inherits),
            level=int(level) if level else None,
            description=self.description.strip(),
        )


class GrantForm(BaseModel):
    """A role to be given, as the form says it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    role: Annotated[str, Field(max_length=100)] = ""
    tenant: Annotated[str, Field(max_length=200)] = ""
    hours: Annotated[int, Field(ge=0, le=87_600)] = 0


class RevokeForm(BaseModel):
    """A role to be taken away."""

    model_config = ConfigDict(hide_input_in_errors=True)

    role: Annotated[str, Field(max_length=100)] = ""
    tenant: Annotated[str, Field(max_length=200)] = EVERYWHERE


WantedRole = Annotated[RoleForm, Form()]


def role_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    page_route(router, ROLES, roles)
    router.add_api_route(ROLES, make_role, methods=["POST"])
    page_route(router, ROLES + "/{name}", role)
    router.add_api_route(ROLES + "/{name}", change_role, methods=["POST"])
    router.add_api_route(ROLES + "/{name}/delete", delete_role, methods=["POST"])
    page_route(router, HELD, held_roles)
    router.add_api_route(HELD, grant_role, methods=["POST"])
    router.add_api_route(HELD + "/revoke", revoke_role, methods=["POST"])
    return router


@read_roles
async def roles(request: Request) -> Response:
    """Every role, and a form for another."""
    return await _roles_page(request)


@write_roles
async def make_role(request: Request, form: WantedRole) -> Response:
    """Make a role."""
    exchange = exchange_of(request.scope)
    flow = account_services(request).roles
    try:
        made = await flow.create(exchange.principal, form.definition(), client=Client.of(exchange))
    except SecurityError as error:
        return await _roles_page(request, form=form, error=error)
    return go_to(f"{ROLES}/{made.name}", notice="role-made")


@read_roles
async def role(request: Request, name: str) -> Response:
    """One role, who holds it, and a form to change it."""
    return await _role_page(request, name)


@write_roles
async def change_role(request: Request, name: str, form: WantedRole) -> Response:
    """Change a role."""
    exchange = exchange_of(request.scope)
    flow = account_services(request).roles
    try:
        wanted = form.definition()
        change = RoleChange(
            name=wanted.name or None,
            permissions=wanted.permissions,
            inherits=wanted.inherits,
            level=wanted.level,
            without_level=wanted.level is None,
            description=wanted.description,
        )
        changed = await flow.change(exchange.principal, name, change, client=Client.of(exchange))
    except NotFoundError:
        raise
    except SecurityError as error:
        return await _role_page(request, name, form=form, error=error)
    return go_to(f"{ROLES}/{changed.name}", notice="role-changed")


@write_roles
async def delete_role(request: Request, name: str) -> Response:
    """Delete a role, or undo the changes of one that the code defines."""
    exchange = exchange_of(request.scope)
    flow = account_services(request).roles
    try:
        await flow.delete(exchange.principal, name, client=Client.of(exchange))
    except NotFoundError:
        raise
    except SecurityError as error:
        return await _role_page(request, name, error=error)
    return go_to(ROLES, notice="role-deleted")


@assign_roles
async def held_roles(request: Request, account_id: str) -> Response:
    """What an account holds, and a form to give more."""
    return await _held_page(request, account_id)


@assign_roles
async def grant_role(
    request: Request, account_id: str, form: Annotated[GrantForm, Form()]
) -> Response:
    """Give a role."""
    exchange = exchange_of(request.scope)
    flow = account_services(request).assignments
    try:
        given = await flow.grant(
            exchange.principal,
            account_id,
            form.role,
            tenant=form.tenant.strip() or EVERYWHERE,
            expires_at=wall_clock() + form.hours * HOUR if form.hours else None,
            client=Client.of(exchange),
        )
    except SecurityError as error:
        return await _held_page(request, account_id, error=error)
    notice = "role-granted" if given else "role-held"
    return go_to(_held_at(account_id), notice=notice)


@assign_roles
async def revoke_role(
    request: Request, account_id: str, form: Annotated[RevokeForm, Form()]
) -> Response:
    """Take a role away."""
    exchange = exchange_of(request.scope)
    flow = account_services(request).assignments
    try:
        # Pressed twice, or by two administrators: it is as they wanted it.
        await flow.revoke(
            exchange.principal,
            account_id,
            form.role,
            tenant=form.tenant,
            client=Client.of(exchange),
        )
    except SecurityError as error:
        return await _held_page(request, account_id, error=error)
    return go_to(_held_at(account_id), notice="role-revoked")


async def _roles_page(
    request: Request, *, form: RoleForm | None = None, error: SecurityError | None = None
) -> Response:
    flow = account_services(request).roles
    book = await flow.book()
    names = sorted(book.definitions, key=lambda name: (-_level(book, name), name))
    return pages_of(request).render(
        request,
        "roles.html",
        error=error,
        roles=[_shown(book, name) for name in names],
        administrator=flow.administrator,
        inheritable=[name for name in sorted(names) if name != flow.administrator],
        may_write=_may_write(request),
        form=form or RoleForm(),
        shown=SHOWN,
    )


async def _role_page(
    request: Request,
    name: str,
    *,
    form: RoleForm | None = None,
    error: SecurityError | None = None,
) -> Response:
    services = account_services(request)
    book = await services.roles.book()
    if name not in book.definitions:
        raise NotFoundError("There is no such role")
    definition = book.definitions[name]
    implied, grants = book.roles.compile((name,))
    found = await services.assignments.holders(name)
    mails = {each.account_id: "" for each in found[:SHOWN]}
    for account_id in mails:
        account = await services.store.by_id(account_id)
        mails[account_id] = "" if account is None else account.email
    return pages_of(request).render(
        request,
        "role.html",
        error=error,
        role=_shown(book, name),
        implied=sorted(implied - {name}),
        grants=list(grants),
        holders=[(each, mails[each.account_id]) for each in found[:SHOWN]],
        more=len(found) > SHOWN,
        inheritable=sorted(book.roles.roles - {name, services.roles.administrator}),
        is_administrator=name == services.roles.administrator,
        may_write=_may_write(request),
        may_assign=exchange_of(request.scope).principal.has_permission(ASSIGN_ROLES),
        form=form or _filled(definition),
        everywhere=EVERYWHERE,
    )


async def _held_page(
    request: Request, account_id: str, *, error: SecurityError | None = None
) -> Response:
    services = account_services(request)
    account: Account | None = await services.store.by_id(account_id)
    if account is None:
        raise NotFoundError("There is no such account")
    principal = exchange_of(request.scope).principal
    return pages_of(request).render(
        request,
        "held_roles.html",
        error=error,
        account=account,
        held=await services.assignments.of_account(account_id),
        grantable=await services.assignments.grantable(principal),
        is_self=principal.subject == account_id,
        lengths=LENGTHS,
        everywhere=EVERYWHERE,
        at=_held_at(account_id),
    )


def _held_at(account_id: str) -> str:
    return HELD.format(account_id=account_id)


def _may_write(request: Request) -> bool:
    return exchange_of(request.scope).principal.has_permission(WRITE_ROLES)


def _level(book: RoleBook, name: str) -> int:
    level = book.definitions[name].level
    return -1 if level is None else level


def _shown(book: RoleBook, name: str) -> dict[str, Any]:
    definition = book.definitions[name]
    return {"definition": definition, "name": name, "origin": book.origins[name]}


def _filled(definition: RoleDefinition) -> RoleForm:
    return RoleForm.model_construct(
        name=definition.name,
        permissions="\n".join(definition.permissions),
        inherits=list(definition.inherits),
        level="" if definition.level is None else str(definition.level),
        description=definition.description,
    )
