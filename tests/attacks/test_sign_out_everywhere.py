"""The attack: go on with a stolen cookie or token after the owner has signed out, or after the
administrator has locked the account; on another server, which has not heard of it yet. Two
applications on one database stand for two servers (ASVS 7.4.1, 7.4.2)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.accounts.application import (
    ALICE,
    EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
    bearer,
    browse,
    login,
    make_administrator,
    make_app,
    register,
    running,
    sign_in_with_form,
)
from zenith.kernel.principal import Principal


class Servers:
    """Two applications, and what an attacker holds of one account: a cookie and tokens."""

    def __init__(self, here, there, client, other, wait):
        self.here, self.there, self.client, self.other = here, there, client, other
        self.wait = wait

    async def steal(self):
        self.tokens = (await login(self.client)).json()
        async with browse(self.here) as browser:
            await sign_in_with_form(browser)
            self.cookie = browser.cookies["zenith-session"]
        assert await self.accepted() == [True, True]

    async def accepted(self):
        """Whether the other server takes the access token and the cookie."""
        async with browse(self.there, cookies={"zenith-session": self.cookie}) as browser:
            return [
                (await self.other.get("/auth/me", headers=bearer(self.tokens))).status_code == 200,
                (await browser.get("/auth/me")).status_code == 200,
            ]

    async def refreshes(self):
        body = {"refresh_token": self.tokens["refresh_token"]}
        return (await self.other.post("/auth/refresh", json=body)).status_code == 200

    async def heard(self):
        """Long enough for the other server to know: at once with Redis, a second without."""
        if self.wait:
            await asyncio.sleep(1.05)
            return
        for _ in range(200):
            if await self.accepted() == [False, False]:
                return
            await asyncio.sleep(0.005)


@asynccontextmanager
async def two(tmp_path, *, wait, **more):
    here, there = make_app(tmp_path, **more), make_app(tmp_path, **more)
    async with running(here), running(there), browse(here) as client, browse(there) as other:
        await register(client)
        servers = Servers(here, there, client, other, wait)
        await servers.steal()
        # The channel of each has had its time to subscribe.
        await asyncio.sleep(0.1)
        yield servers


@pytest.fixture(params=["postgres and redis", "postgres", "sqlite"])
def stores(request):
    urls = {}
    if "postgres" in request.param:
        urls["database"] = request.getfixturevalue("upgraded_postgres_url")
    if "redis" in request.param:
        urls["redis"] = request.getfixturevalue("redis_url")
    return urls | {"wait": "redis" not in request.param}


@pytest.fixture
async def servers(tmp_path, stores):
    async with two(tmp_path, **stores) as servers:
        yield servers


async def test_signed_out_everywhere_is_refused_on_the_other_server(servers):
    answer = await servers.client.post("/auth/logout/everywhere", headers=bearer(servers.tokens))
    assert answer.json()["ended"] == 2
    began = asyncio.get_running_loop().time()
    await servers.heard()
    assert await servers.accepted() == [False, False]
    assert not await servers.refreshes()
    if not servers.wait:
        assert asyncio.get_running_loop().time() - began < 0.9


async def test_signing_out_ends_that_sign_in_alone(servers):
    await servers.client.post("/auth/logout", headers=bearer(servers.tokens))
    await asyncio.sleep(1.05 if servers.wait else 0.2)
    assert await servers.accepted() == [False, True]
    assert not await servers.refreshes()


async def lock(servers):
    account = await servers.here.accounts.store.by_email(EMAIL)
    roles, permissions = servers.here.assembly.roles.compile(("super_admin",))
    await make_administrator(servers.here)
    administration = servers.here.accounts.administration
    operator = Principal(subject="operator", roles=roles, permissions=permissions)
    assert await administration.lock(operator, account.id, client=ALICE)
    return administration, operator, account.id


async def test_a_lock_is_obeyed_on_the_other_server(servers):
    administration, operator, account_id = await lock(servers)
    await servers.heard()
    assert await servers.accepted() == [False, False]
    assert not await servers.refreshes()
    assert (await login(servers.other)).status_code == 401
    # And what was ended does not come back with the unlock.
    assert await administration.unlock(operator, account_id, client=ALICE)
    await asyncio.sleep(1.05)
    assert await servers.accepted() == [False, False]
    assert not await servers.refreshes()
    assert (await login(servers.other)).status_code == 200


async def test_a_changed_password_signs_the_thief_out(servers):
    own = (await login(servers.client)).json()
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    answer = await servers.client.post("/auth/password", json=body, headers=bearer(own))
    assert answer.status_code == 204
    await servers.heard()
    assert await servers.accepted() == [False, False]
    assert not await servers.refreshes()
    assert (await servers.other.get("/auth/me", headers=bearer(own))).status_code == 200


async def test_a_restart_forgets_nothing(tmp_path):
    first = make_app(tmp_path)
    async with running(first), browse(first) as client:
        await register(client)
        tokens = (await login(client)).json()
        await client.post("/auth/logout/everywhere", headers=bearer(tokens))
    second = make_app(tmp_path)
    async with running(second), browse(second) as client:
        assert (await client.get("/auth/me", headers=bearer(tokens))).status_code == 401


async def test_a_role_that_was_taken_away_is_in_no_token_that_is_issued_then(tmp_path):
    """The other server has not heard of it yet, and the token would carry the role on."""
    async with two(tmp_path, wait=True) as servers:
        account = await servers.here.accounts.store.by_email(EMAIL)
        administrator = await make_administrator(servers.here)
        roles, permissions = servers.here.assembly.roles.compile(("super_admin",))
        root = Principal(subject=administrator.id, roles=roles, permissions=permissions)
        assignments = servers.here.accounts.assignments
        await assignments.grant(root, account.id, "moderator", client=ALICE)
        await servers.heard()
        await servers.accepted()
        tokens, manager = [], servers.there.accounts.grants._manager
        for _ in range(2):
            body = {"refresh_token": servers.tokens["refresh_token"]}
            servers.tokens = (await servers.other.post("/auth/refresh", json=body)).json()
            tokens.append(manager.verify(servers.tokens["access_token"]))
            await assignments.revoke(root, account.id, "moderator", client=ALICE)
        assert ["moderator" in claims["roles"] for claims in tokens] == [True, False]
