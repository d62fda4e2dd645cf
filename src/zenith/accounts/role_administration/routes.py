"""The JSON API of roles and of who holds them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.accounts.client import Client
from zenith.accounts.depends import account_services
from zenith.accounts.role_administration.assignments import MAX_TENANT, PAGE
from zenith.accounts.role_administration.definitions import RoleChange
from zenith.authorization import require_everywhere
from zenith.kernel.errors import NotFoundError
from zenith.pipeline import exchange_of
from zenith.rbac import EVERYWHERE, RoleAssignment, RoleBook, RoleDefinition

READ_ROLES: Final = "roles:read"
WRITE_ROLES: Final = "roles:write"
ASSIGN_ROLES: Final = "users:roles"
may_read_roles = require_everywhere(READ_ROLES)
may_write_roles = require_everywhere(WRITE_ROLES)
may_assign_roles = require_everywhere(ASSIGN_ROLES)

Text = Annotated[str, Field(max_length=200)]
Name = Annotated[str, Field(max_length=64)]
Level = Annotated[int, Field(ge=0, le=1_000_000)]
Texts = Annotated[list[Text], Field(max_length=10_000)]
Names = Annotated[list[Name], Field(max_length=100)]
Moment = Annotated[float, Field(gt=0, lt=253_402_300_800)]
Tenant = Annotated[str, Field(min_length=1, max_length=MAX_TENANT)]


class NewRole(BaseModel):
    """A role to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(examples=["editor"])]
    permissions: Annotated[Texts, Field(examples=[["posts:*", "files:read"]])] = []
    inherits: Names = []
    level: Level | None = None
    """It implies every role with a lower level; null for a role beside the levels."""
    description: Text = ""


class RoleEdit(BaseModel):
    """What shall be different about a role; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    permissions: Texts | None = None
    inherits: Names | None = None
    level: Level | None = None
    """Null takes the level away."""
    description: Text | None = None


class RoleItem(BaseModel):
    """A role and where it is defined."""

    name: str
    permissions: list[str]
    inherits: list[str]
    level: int | None
    description: str
    origin: str
    """`code`, `database`, or `changed`: of the code, and changed in the database."""
    implies: list[str]
    """Every role that follows from it."""
    grants: list[str]
    """Every permission that follows from it."""
    changed_at: float | None
    changed_by: str


class AssignmentItem(BaseModel):
    """One role of one account."""

    account_id: str
    role: str
    tenant: str
    expires_at: float | None
    granted_by: str
    granted_at: float | None


class HolderPage(BaseModel):
    """A page of those who hold a role; `after` asks for the next one."""

    holders: list[AssignmentItem]
    after: str | None


class NewAssignment(BaseModel):
    """A role to be given."""

    model_config = ConfigDict(extra="forbid")

    role: Annotated[Name, Field(examples=["editor"])]
    tenant: Tenant = EVERYWHERE
    expires_at: Moment | None = None
    """Unix time in seconds; null for good."""


class OwnPermissions(BaseModel):
    """What an account may do beyond its roles."""

    model_config = ConfigDict(extra="forbid")

    permissions: Annotated[list[Text], Field(max_length=1000)]


def add_role_routes(router: APIRouter) -> None:
    """Mount the routes of roles."""
    roles, one = "/admin/roles", "/admin/roles/{name}"
    router.add_api_route(roles, list_roles, methods=["GET"])
    router.add_api_route(roles, create_role, methods=["POST"], status_code=201)
    router.add_api_route(one, show_role, methods=["GET"])
    router.add_api_route(one, change_role, methods=["PATCH"])
    router.add_api_route(one, delete_role, methods=["DELETE"], status_code=204)
    router.add_api_route(one + "/holders", holders, methods=["GET"])
    held = "/admin/accounts/{account_id}/roles"
    router.add_api_route(held, account_roles, methods=["GET"])
    already: dict[int | str, dict[str, Any]] = {
        200: {"model": list[AssignmentItem], "description": "It was held so already"}
    }
    router.add_api_route(held, grant_role, methods=["POST"], status_code=201, responses=already)
    router.add_api_route(held + "/{role}", revoke_role, methods=["DELETE"], status_code=204)
    own = "/admin/accounts/{account_id}/permissions"
    router.add_api_route(own, set_permissions, methods=["PUT"], status_code=204)


@may_read_roles
async def list_roles(request: Request) -> list[RoleItem]:
    """Every role."""
    book = await account_services(request).roles.book()
    return [_item(book, name) for name in sorted(book.definitions)]


@may_read_roles
async def show_role(name: str, request: Request) -> RoleItem:
    """One role."""
    return _item(await account_services(request).roles.book(), name)


@may_write_roles
async def create_role(body: NewRole, request: Request) -> RoleItem:
    """Make a role. Only administrators hold a role that is new, so only they make one."""
    exchange, roles = exchange_of(request.scope), account_services(request).roles
    wanted = RoleDefinition(
        name=body.name,
        permissions=tuple(body.permissions),
        inherits=tuple(body.inherits),
        level=body.level,
        description=body.description,
    )
    made = await roles.create(exchange.principal, wanted, client=Client.of(exchange))
    return _item(await roles.book(), made.name)


@may_write_roles
async def change_role(name: str, body: RoleEdit, request: Request) -> RoleItem:
    """Change a role; every process acts by it within a second."""
    exchange, roles = exchange_of(request.scope), account_services(request).roles
    change = RoleChange(
        name=body.name,
        permissions=body.permissions,
        inherits=body.inherits,
        level=body.level,
        without_level="level" in body.model_fields_set and body.level is None,
        description=body.description,
    )
    changed = await roles.change(exchange.principal, name, change, client=Client.of(exchange))
    return _item(await roles.book(), changed.name)


@may_write_roles
async def delete_role(name: str, request: Request) -> None:
    """Delete a role that was made at run time, or undo the changes of one that the code defines."""
    exchange = exchange_of(request.scope)
    roles = account_services(request).roles
    await roles.delete(exchange.principal, name, client=Client.of(exchange))


@may_read_roles
async def holders(
    name: str, request: Request, after: Annotated[str, Query(max_length=300)] = ""
) -> HolderPage:
    """Who holds the role itself: not those who hold one that implies it."""
    account_id, _, tenant = after.partition(" ")
    place = (account_id, tenant) if after else None
    found = await account_services(request).assignments.holders(name, after=place)
    last = found[PAGE - 1] if len(found) > PAGE else None
    more = None if last is None else f"{last.account_id} {last.tenant}"
    return HolderPage(holders=[_assignment(each) for each in found[:PAGE]], after=more)


@may_assign_roles
async def account_roles(account_id: str, request: Request) -> list[AssignmentItem]:
    """What an account holds: where, and until when."""
    found = await account_services(request).assignments.of_account(account_id)
    return [_assignment(each) for each in found]


@may_assign_roles
async def grant_role(
    account_id: str, body: NewAssignment, request: Request, response: Response
) -> list[AssignmentItem]:
    """Give a role to an account, or change until when it is held."""
    exchange, assignments = exchange_of(request.scope), account_services(request).assignments
    granted = await assignments.grant(
        exchange.principal,
        account_id,
        body.role,
        tenant=body.tenant,
        expires_at=body.expires_at,
        client=Client.of(exchange),
    )
    if not granted:
        response.status_code = 200
    return [_assignment(each) for each in await assignments.of_account(account_id)]


@may_assign_roles
async def revoke_role(
    account_id: str, role: str, request: Request, tenant: Annotated[Tenant, Query()] = EVERYWHERE
) -> None:
    """Take a role from an account."""
    exchange = exchange_of(request.scope)
    revoked = await account_services(request).assignments.revoke(
        exchange.principal, account_id, role, tenant=tenant, client=Client.of(exchange)
    )
    if not revoked:
        raise NotFoundError("The account does not hold this role there")


@may_assign_roles
async def set_permissions(account_id: str, body: OwnPermissions, request: Request) -> None:
    """Replace what an account may do beyond its roles."""
    exchange = exchange_of(request.scope)
    known = await account_services(request).assignments.set_permissions(
        exchange.principal, account_id, body.permissions, client=Client.of(exchange)
    )
    if not known:
        raise NotFoundError("There is no such account")


def _item(book: RoleBook, name: str) -> RoleItem:
    definition = book.definitions.get(name)
    if definition is None:
        raise NotFoundError("There is no such role")
    implied, grants = book.roles.compile((name,))
    return RoleItem(
        name=name,
        permissions=list(definition.permissions),
        inherits=list(definition.inherits),
        level=definition.level,
        description=definition.description,
        origin=book.origins[name],
        implies=sorted(implied - {name}),
        grants=list(grants),
        changed_at=definition.changed_at or None,
        changed_by=definition.changed_by,
    )


def _assignment(assignment: RoleAssignment) -> AssignmentItem:
    return AssignmentItem.model_validate(assignment, from_attributes=True)
