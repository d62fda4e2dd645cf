"""The attack: use a token that was narrowed by scopes, and handed to a program for one purpose, as
if it were its owner's sign-in: add a second factor, sign the owner out, take a copy of the account,
or do what the owner's roles allow (RFC 6750 section 3.1, ASVS 8.2.1, 8.3.2)."""

from __future__ import annotations

import time

import pytest

from tests.accounts.application import bearer, browse, login, make_app, register, running
from zenith.authorization import require_permission, require_role
from zenith.console import create_server
from zenith.tokens import TokenManager

OWN = [
    ("GET", "/auth/sessions"),
    ("DELETE", "/auth/sessions/x"),
    ("PATCH", "/auth/sessions/x"),
    ("POST", "/auth/confirm"),
    ("POST", "/auth/password"),
    ("POST", "/auth/email/change"),
    ("GET", "/auth/account/export"),
    ("DELETE", "/auth/account"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/logout/everywhere"),
    ("GET", "/auth/factors"),
    ("POST", "/auth/factors/totp"),
    ("POST", "/auth/factors/passkeys/options"),
    ("POST", "/auth/factors/recovery-codes"),
    ("DELETE", "/auth/factors/devices"),
    ("POST", "/auth/confirm/passkey"),
    ("POST", "/auth/api-keys"),
]
PAGES = [
    ("GET", "/account/"),
    ("POST", "/account/export"),
    ("POST", "/account/sign-out-everywhere"),
    ("POST", "/account/delete"),
    ("POST", "/account/email"),
    ("POST", "/account/password"),
    ("GET", "/account/confirm"),
    ("GET", "/account/factors"),
]


async def narrowed(app, client, *scopes, **more):
    """Headers of a token that may do what `scopes` say, with a factor proven just now."""
    manager = TokenManager(keyring=app.assembly.keyring, settings=app.assembly.settings.tokens)
    claims = manager.verify((await login(client)).json()["access_token"])
    token = manager.issue_access(
        claims["sub"],
        session_id=claims["sid"],
        scopes=scopes,
        factors={"password": time.time()},
        **more,
    )
    return bearer({"access_token": token})


@pytest.fixture
async def client(tmp_path):
    app = make_app(tmp_path)
    async with running(app), browse(app) as client:
        client.app = app
        await register(client)
        yield client


async def test_what_is_ones_own_is_not_for_a_part_of_a_credential(client):
    headers = await narrowed(client.app, client, "read:data")
    for method, path in OWN:
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code == 403, (path, answer.text)
    assert len(await client.app.accounts.sessions.list((await me(client, headers))["id"])) == 1


async def me(client, headers):
    return (await client.get("/auth/me", headers=headers)).json()


async def test_the_owner_may_all_of_it(client):
    headers = bearer((await login(client)).json())
    for path in ("/auth/sessions", "/auth/account/export", "/auth/factors"):
        assert (await client.get(path, headers=headers)).status_code == 200


async def test_pages_are_no_way_around(tmp_path):
    app = create_server(make_app(tmp_path).settings)
    async with running(app), browse(app) as client:
        await register(client)
        headers = await narrowed(app, client, "read:data")
        for method, path in PAGES:
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 403, (path, answer.text[:200])


async def test_roles_and_permissions_count_as_far_as_the_scopes_name_them(tmp_path):
    app = make_app(tmp_path)

    @app.get("/write")
    @require_permission("posts:write")
    async def write():
        return {}

    @app.get("/read")
    @require_permission("posts:read")
    async def read():
        return {}

    @app.get("/admin")
    @require_role("admin")
    async def admin():
        return {}

    async with running(app), browse(app) as client:
        await register(client)
        scopes = ("posts:read", "openid", "https://example.org/all", "users:*")
        headers = await narrowed(app, client, *scopes, roles=["admin"])
        statuses = {
            path: (await client.get(path, headers=headers)).status_code
            for path in ("/write", "/read", "/admin")
        }
        assert statuses == {"/write": 403, "/read": 200, "/admin": 403}
        left = (await me(client, headers))["permissions"]
        assert {each.partition(":")[0] for each in left} == {"posts", "users"}
