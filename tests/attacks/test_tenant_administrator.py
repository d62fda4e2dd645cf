"""The attack: who administers one tenant, and holds everything there, turns to accounts, roles
and factors, which are of no tenant; or stays on after the role has ended (ASVS 8.2.1, 8.4.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import ALICE
from tests.accounts.office import Office
from tests.pipeline.asgi import make_exchange
from zenith.accounts import Administration
from zenith.accounts.role_administration import RoleChange
from zenith.app import Zenith
from zenith.authorization import HasPermission, is_about_all, require_everywhere
from zenith.authorization.access import accesses
from zenith.console import create_server
from zenith.console.rendering import reads_outbox
from zenith.kernel.errors import PermissionDeniedError
from zenith.mfa.reset import FactorReset
from zenith.pipeline import RouteTable
from zenith.rbac import RoleDefinition
from zenith.settings import Settings
from zenith.stores.memory import MemoryFactorStore
from zenith.tenants import TenantGuard, TenantSettings

CHIEF = "super_admin"


@pytest.fixture
async def office():
    """Root runs the application, eve all of acme; ada is a user who belongs to nothing."""
    made = Office()
    root = await made.hire("root", CHIEF)
    for name in ("eve", "ada"):
        await made.hire(name, "user")
    await made.grant(root, "eve", CHIEF, tenant="acme")
    return made


@pytest.fixture
async def eve(office):
    """Eve, in acme."""
    inside = await office.who("eve", "acme")
    assert inside.has_permission("users:manage")
    assert inside.tenant == "acme"
    return inside


@pytest.mark.parametrize("target", ["ada", "root"])
async def test_accounts(office, eve, target):
    administration: Administration = office.world.administration
    for work in (
        administration.lock(eve, target, client=ALICE),
        administration.unlock(eve, target, client=ALICE),
        administration.set_roles(eve, target, [CHIEF], client=ALICE),
        administration.set_roles(eve, target, [], client=ALICE),
    ):
        with pytest.raises(PermissionDeniedError):
            await work
    assert (await office.world.accounts.by_id(target)).is_active


@pytest.mark.parametrize("tenant", ["*", "bolt"])
async def test_roles_elsewhere(office, eve, tenant):
    for role in ("user", CHIEF):
        with pytest.raises(PermissionDeniedError):
            await office.grant(eve, "ada", role, tenant=tenant)
        with pytest.raises(PermissionDeniedError):
            await office.revoke(eve, "root", role, tenant=tenant)
    with pytest.raises(PermissionDeniedError):
        await office.revoke(eve, "ada", "no_such_role", tenant="acme")
    assert await office.grant(eve, "ada", "user", tenant="acme")
    assert await office.revoke(eve, "ada", "user", tenant="acme")


@pytest.mark.parametrize("permissions", [["*"], []])
async def test_own_permissions(office, eve, permissions):
    with pytest.raises(PermissionDeniedError):
        await office.world.assignments.set_permissions(eve, "ada", permissions, client=ALICE)


async def test_definitions(office, eve):
    definitions = office.world.definitions
    await office.make("root", "helper", "posts:read")
    for work in (
        definitions.create(eve, RoleDefinition(name="friend"), client=ALICE),
        definitions.change(eve, "user", RoleChange(permissions=["*"]), client=ALICE),
        definitions.change(eve, "helper", RoleChange(permissions=[]), client=ALICE),
        definitions.delete(eve, "helper", client=ALICE),
    ):
        with pytest.raises(PermissionDeniedError):
            await work


async def test_second_factors(office, eve):
    world = office.world
    reset = FactorReset(
        accounts=world.accounts,
        store=MemoryFactorStore(),
        sign_in=world.sign_in,
        notices=world.notices,
        events=world.events,
        roles=world.roles,
    )
    with pytest.raises(PermissionDeniedError):
        await reset.reset(eve, "ada", client=ALICE)


async def test_the_mails_of_a_development_server(eve):
    for principal, reads in ((eve, False), (replace(eve, tenant=None), True)):
        exchange = make_exchange(client="203.0.113.9", principal=principal)
        assert reads_outbox(exchange) is reads


async def in_tenant(office, token, *marks, named=b"acme"):
    """Who a request with this access token acts as."""
    exchange = make_exchange(
        headers=[("authorization", f"Bearer {token}"), (b"x-tenant", named)],
        principal=await office.by_token(token),
    )
    exchange.marks = marks
    guard = TenantGuard(office.world.subjects, TenantSettings())
    waiting = guard.on_request(exchange)
    if waiting is not None:
        await waiting
    return exchange.principal


async def test_an_access_token_acts_in_the_tenant_that_is_named(office):
    token = await office.token("eve")
    assert (await office.by_token(token)).tenant is None
    assert not (await office.by_token(token)).has_permission("users:manage")
    inside = await in_tenant(office, token)
    assert (inside.tenant, inside.kind, inside.scopes) == ("acme", "user", None)
    assert inside.has_permission("users:manage")
    declared = require_everywhere("users:manage")
    outside = await in_tenant(office, token, declared)
    assert outside.tenant is None
    assert declared.requirement.decide(outside).denied
    with pytest.raises(PermissionDeniedError):
        await in_tenant(office, token, named=b"bolt")


async def test_a_role_that_ends_ends_inside(office):
    root, world = await office.who("root"), office.world
    await office.grant(root, "ada", "admin", tenant="acme", expires_at=office.now + 10)
    await office.grant(root, "ada", "user", tenant="acme")
    await office.grant(root, "eve", "user", tenant="bolt", expires_at=office.now + 10)
    world.pass_time(1.5)
    ada, eve = await office.token("ada"), await office.token("eve")
    assert "admin" in (await in_tenant(office, ada)).roles
    assert (await in_tenant(office, eve, named=b"bolt")).tenant == "bolt"
    world.pass_time(7.0)
    assert "admin" in (await in_tenant(office, ada)).roles
    world.pass_time(1.5)
    assert "admin" not in (await in_tenant(office, ada)).roles
    with pytest.raises(PermissionDeniedError):
        await in_tenant(office, eve, named=b"bolt")


def test_whatever_zenith_serves_by_permission_is_about_all_tenants(tmp_path):
    """Roles of a tenant must open none of it: a new route that forgets this fails here."""
    server: Zenith = create_server(Settings(env="test", home=tmp_path))
    asked = [
        entry.path
        for entry in RouteTable(server).walk()
        for access in accesses(entry.marks)
        if isinstance(access.requirement, HasPermission)
    ]
    assert {"/admin/accounts", "/admin/roles", "/admin/keys", "/auth/api-keys/all"} <= set(asked)
    for entry in RouteTable(server).walk():
        needs = [a for a in accesses(entry.marks) if isinstance(a.requirement, HasPermission)]
        assert all(map(is_about_all, needs)), entry.path
        if "/admin/" in entry.path and entry.children is None:
            assert any(map(is_about_all, entry.marks)), entry.path
