"""Roles over HTTP, as an administrator's program edits and gives them."""

from __future__ import annotations

import time

import pytest
import pytest_asyncio

from tests.accounts.application import (
    EMAIL,
    OTHER_PASSWORD,
    bearer,
    browse,
    login,
    make_administrator,
    make_app,
    register,
    running,
)
from zenith.accounts.role_administration.assignments import PAGE
from zenith.rbac import RoleAssignment

ROLES = "/auth/admin/roles"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    async with running(make_app(tmp_path_factory.mktemp("roles"))) as app, browse(app) as client:
        await make_administrator(app)
        await register(client)
        yield app, client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(house):
    _, client = house
    return bearer((await login(client, "root@example.org", OTHER_PASSWORD)).json())


async def make(client, admin, name, **more):
    return await client.post(ROLES, json={"name": name, **more}, headers=admin)


async def test_a_role_is_made_changed_renamed_and_deleted(house, admin):
    _, client = house
    answer = await make(
        client, admin, "editor", permissions=["posts:*"], inherits=["guest"], description="Ed"
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["origin"], made["level"], made["implies"]) == ("database", None, ["guest"])
    assert made["grants"] == ["comments:read", "posts:read", "posts:*"]
    assert made["changed_at"]
    assert (await make(client, admin, "editor")).status_code == 409
    edit = {"level": 45, "permissions": ["posts:read"]}
    changed = (await client.patch(f"{ROLES}/editor", json=edit, headers=admin)).json()
    assert (changed["level"], changed["permissions"]) == (45, ["posts:read"])
    assert changed["implies"] == ["guest", "user"]
    edit = {"level": None, "name": "writer"}
    renamed = (await client.patch(f"{ROLES}/editor", json=edit, headers=admin)).json()
    assert (renamed["name"], renamed["level"], renamed["description"]) == ("writer", None, "Ed")
    assert (await client.get(f"{ROLES}/editor", headers=admin)).status_code == 404
    shown = (await client.get(f"{ROLES}/writer", headers=admin)).json()
    assert shown == renamed
    assert shown in (await client.get(ROLES, headers=admin)).json()
    assert (await client.delete(f"{ROLES}/writer", headers=admin)).status_code == 204
    assert (await client.delete(f"{ROLES}/writer", headers=admin)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "permissions": ["not one"]},
        {"name": "x", "permissions": ["*:read"]},
        {"name": "x", "permissions": "posts:read"},
        {"name": "x", "inherits": ["nobody"]},
        {"name": "x", "inherits": ["super_admin"]},
        {"name": "x", "inherits": ["x"]},
        {"name": "x", "level": 100},
        {"name": "x", "level": -1},
        {"name": "x", "level": 1.5},
        {"name": "a b"},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "\u0430dmin"},
        {"name": "x", "description": "two\nlines"},
        {"name": "x", "is_admin": True},
        {},
    ],
)
async def test_what_is_no_role_is_said(house, admin, body):
    _, client = house
    answer = await client.post(ROLES, json=body, headers=admin)
    assert answer.status_code == 422, answer.text


async def test_roles_are_given_and_taken(house, admin):
    app, client = house
    account = await app.accounts.store.by_email(EMAIL)
    held = f"/auth/admin/accounts/{account.id}/roles"
    end = time.time() + 3600
    given = await client.post(held, json={"role": "moderator", "expires_at": end}, headers=admin)
    assert given.status_code == 201, given.text
    assert [(each["role"], each["expires_at"]) for each in given.json()] == [
        ("user", None),
        ("moderator", end),
    ]
    again = await client.post(held, json={"role": "moderator", "expires_at": end}, headers=admin)
    assert again.status_code == 200
    told = app.openapi()["paths"]["/auth/admin/accounts/{account_id}/roles"]["post"]["responses"]
    first, second = (
        told[status]["content"]["application/json"]["schema"]["items"] for status in ("200", "201")
    )
    assert first == second
    tokens = (await login(client)).json()
    me = (await client.get("/auth/me", headers=bearer(tokens))).json()
    assert "posts:delete" in me["permissions"]
    in_tenant = {"role": "admin", "tenant": "acme"}
    assert (await client.post(held, json=in_tenant, headers=admin)).status_code == 201
    found = (await client.get(held, headers=admin)).json()
    assert [(each["role"], each["tenant"]) for each in found] == [
        ("user", "*"),
        ("admin", "acme"),
        ("moderator", "*"),
    ]
    holders = (await client.get(f"{ROLES}/moderator/holders", headers=admin)).json()
    assert [each["account_id"] for each in holders["holders"]] == [account.id]
    assert holders["after"] is None
    assert (await client.delete(f"{held}/admin", headers=admin)).status_code == 404
    gone = await client.delete(f"{held}/admin", params={"tenant": "acme"}, headers=admin)
    assert gone.status_code == 204
    assert (await client.delete(f"{held}/moderator", headers=admin)).status_code == 204
    assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "emperor"}, 422),
        ({"role": "user", "tenant": ""}, 422),
        ({"role": "user", "tenant": " acme"}, 422),
        ({"role": "user", "tenant": "a\nb"}, 422),
        ({"role": "user", "expires_at": 5}, 422),
        ({"role": "user", "expires_at": "soon"}, 422),
        ({"role": "user", "expires_at": 9e9}, 409),
    ],
)
async def test_what_cannot_be_given_is_said(house, admin, body, status):
    app, client = house
    account = await app.accounts.store.by_email(EMAIL)
    held = f"/auth/admin/accounts/{account.id}/roles"
    answer = await client.post(held, json=body, headers=admin)
    assert answer.status_code == status, answer.text


async def test_unknown_accounts_are_not_found(house, admin):
    _, client = house
    held = "/auth/admin/accounts/nobody"
    assert (await client.get(f"{held}/roles", headers=admin)).status_code == 404
    given = await client.post(f"{held}/roles", json={"role": "user"}, headers=admin)
    assert given.status_code == 404
    own = await client.put(f"{held}/permissions", json={"permissions": []}, headers=admin)
    assert own.status_code == 404


async def test_permissions_beyond_the_roles(house, admin):
    app, client = house
    account = await app.accounts.store.by_email(EMAIL)
    at = f"/auth/admin/accounts/{account.id}/permissions"
    wanted = {"permissions": ["reports:*", "reports:*", "a:b"]}
    assert (await client.put(at, json=wanted, headers=admin)).status_code == 204
    tokens = (await login(client)).json()
    me = (await client.get("/auth/me", headers=bearer(tokens))).json()
    assert {"reports:*", "a:b"} <= set(me["permissions"])
    for wrong in (["no permission"], ["a:b"] * 1001):
        answer = await client.put(at, json={"permissions": wrong}, headers=admin)
        assert answer.status_code == 422
    assert (await client.put(at, json={"permissions": []}, headers=admin)).status_code == 204


async def test_who_may_not_is_refused(house, admin):
    app, client = house
    account = await app.accounts.store.by_email(EMAIL)
    user = bearer((await login(client)).json())
    held = f"/auth/admin/accounts/{account.id}/roles"
    calls = [
        client.get(ROLES, headers=user),
        client.get(f"{ROLES}/user", headers=user),
        client.post(ROLES, json={"name": "x"}, headers=user),
        client.patch(f"{ROLES}/user", json={}, headers=user),
        client.delete(f"{ROLES}/user", headers=user),
        client.get(f"{ROLES}/user/holders", headers=user),
        client.get(held, headers=user),
        client.post(held, json={"role": "admin"}, headers=user),
        client.delete(f"{held}/user", headers=user),
        client.put(
            f"/auth/admin/accounts/{account.id}/permissions",
            json={"permissions": ["*"]},
            headers=user,
        ),
    ]
    for call in calls:
        answer = await call
        assert answer.status_code == 403, answer.text
    assert (await client.get(ROLES)).status_code == 401
    own = await client.patch(f"{ROLES}/super_admin", json={"level": 1}, headers=admin)
    assert own.status_code == 409


async def test_many_holders_come_in_pages(house, admin):
    app, client = house
    account = await app.accounts.store.by_email(EMAIL)
    store = app.assembly.accounts.assignments._store
    for number in range(PAGE + 3):
        tenant = RoleAssignment(
            account_id=account.id, role="guest", tenant=f"t{number:03}", granted_at=1.0
        )
        assert await store.grant(tenant, expected=await store.version()) == "granted"
    at = f"{ROLES}/guest/holders"
    first = (await client.get(at, headers=admin)).json()
    assert len(first["holders"]) == PAGE
    rest = (await client.get(at, params={"after": first["after"]}, headers=admin)).json()
    assert [each["tenant"] for each in rest["holders"]] == ["t050", "t051", "t052"]
    assert rest["after"] is None
