"""The attack: get more out of a key than its owner may do, or than it was given: by asking for
scopes, by a demotion that the key survives, by making keys with a key (ASVS 8.2.1, 8.3.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import (
    PASSWORD,
    bearer,
    browse,
    events_of,
    login,
    make_app,
    register,
    running,
    sign_in_with_form,
)
from tests.api_keys.fakes import World, person
from zenith import require_permission, require_role, require_scope
from zenith.api_keys import (
    MANAGE_OWN,
    Actor,
    APIKeySettings,
    KeyRequest,
    KeyRequestError,
    TooManyKeysError,
)
from zenith.authentication import Subject
from zenith.kernel.errors import NotFoundError
from zenith.kernel.permissions import Permissions

KEYS = "/auth/api-keys"


def subject(*permissions: str) -> Subject:
    return Subject(id="ada", active=True, permissions=Permissions(permissions))


async def test_a_demoted_owners_key_is_demoted_too():
    world = World()
    world.source.subjects["ada"] = subject("users:*", "posts:read")
    key = (await world.issue("users:write", "posts:read")).secret.reveal()
    before = await world.principal(key)
    assert before is not None
    assert before.permissions.allow("users:write")
    world.source.subjects["ada"] = subject("posts:read")
    world.pass_time(1.0)
    after = await world.principal(key)
    assert after is not None
    assert not after.permissions.allow("users:write")
    assert not after.has_scope("users:write")
    assert after.has_scope("posts:read")


async def test_a_promotion_gives_an_old_key_no_more_than_its_scopes():
    world = World()
    key = (await world.issue("posts:read")).secret.reveal()
    world.source.subjects["ada"] = subject("*")
    principal = await world.principal(key)
    assert principal is not None
    assert list(principal.permissions) == ["posts:read"]


@pytest.mark.parametrize("scope", ["*", "users:*", "users:write", "posts:*", "api_keys:manage"])
async def test_nobody_hands_on_what_they_do_not_hold(scope):
    world = World()
    request = KeyRequest(name="x", scopes=[scope], owner_id="ada")
    with pytest.raises(KeyRequestError):
        await world.keys.issue(person("ada", "posts:read"), request)


async def acting_with(world, key) -> Actor:
    request = world.exchange(key)
    await world.scheme.authenticate(request)
    return Actor.of(request)


async def test_a_key_makes_no_wider_key():
    world = World()
    world.source.subjects["ada"] = subject("users:write", "posts:read")
    narrow = await world.issue(MANAGE_OWN, "posts:read")
    actor = await acting_with(world, narrow.secret.reveal())
    for scope in ("users:write", "read:data", "*"):
        with pytest.raises(KeyRequestError):
            await world.keys.issue(actor, KeyRequest(name="x", scopes=[scope], owner_id="ada"))
    assert await world.keys.issue(
        actor, KeyRequest(name="x", scopes=["posts:read"], owner_id="ada")
    )


async def test_a_key_does_not_take_over_a_wider_key_by_rotating_it():
    world = World()
    world.source.subjects["ada"] = subject("users:write", "posts:read")
    wide = await world.issue("users:write")
    narrow = await world.issue(MANAGE_OWN)
    actor = await acting_with(world, narrow.secret.reveal())
    with pytest.raises(KeyRequestError):
        await world.keys.rotate(actor, wide.record.id)
    assert await world.keys.rotate(actor, narrow.record.id)


async def test_a_key_that_rotates_itself_does_not_become_any_number_of_keys():
    """Each of them would have a limit of its own, and work on for the overlap."""
    world = World(settings=APIKeySettings(max_per_owner=2))
    issued = await world.issue(MANAGE_OWN)
    for _ in range(3):
        actor = await acting_with(world, issued.secret.reveal())
        issued = await world.keys.rotate(actor, issued.record.id)
    actor = await acting_with(world, issued.secret.reveal())
    with pytest.raises(TooManyKeysError):
        await world.keys.rotate(actor, issued.record.id)
    assert len([key for key in await world.keys.own(actor) if key.is_alive(world.time())]) == 4
    assert await world.keys.rotate(actor, issued.record.id, overlap=0)


async def test_the_pace_of_new_keys_is_the_accounts(tmp_path, monkeypatch):
    monkeypatch.setattr("zenith.assembly.api_keys.CHANGES", "3/hour")
    app = make_app(tmp_path)
    async with running(app), browse(app) as client:
        await register(client)
        headers = bearer((await login(client)).json())
        body = {"name": "x", "scopes": [MANAGE_OWN]}
        for _ in range(3):
            answer = await client.post(KEYS, json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            headers = {"X-API-Key": answer.json()["key"]}
        assert (await client.post(KEYS, json=body, headers=headers)).status_code == 429


async def test_a_service_does_not_reach_accounts():
    world = World()
    service = await world.issue(MANAGE_OWN, owner=None)
    owned = await world.issue("posts:read")
    actor = await acting_with(world, service.secret.reveal())
    for change in (world.keys.rotate, world.keys.revoke):
        for key_id in (owned.record.id, service.record.id):
            with pytest.raises(NotFoundError):
                await change(actor, key_id)


async def test_a_key_does_nothing_that_is_its_owners_own(tmp_path):
    app = make_app(tmp_path)

    @app.get("/admin")
    @require_role("user")
    async def admin() -> str:
        return "roles are people's"

    @app.get("/users")
    @require_permission("users:write")
    async def users() -> str:
        return "all"

    @app.get("/scope")
    @require_scope("posts:read")
    async def scope() -> str:
        return "posts"

    async with running(app), browse(app) as client, browse(app) as browser:
        await register(client)
        pair = (await login(client)).json()
        await sign_in_with_form(browser)
        made = await client.post(
            KEYS, json={"name": "x", "scopes": ["posts:read"]}, headers=bearer(pair)
        )
        sent = {"X-API-Key": made.json()["key"]}
        assert (await client.get("/scope", headers=sent)).status_code == 200
        for path in ("/admin", "/users"):
            assert (await client.get(path, headers=sent)).status_code == 403
        assert (await client.post(KEYS, json={"name": "y"}, headers=sent)).status_code == 403
        assert (await client.get(KEYS, headers=sent)).status_code == 403
        assert (await client.get("/auth/me", headers=sent)).status_code == 403
        change = {"current_password": PASSWORD, "new_password": "copper island 5 quiet moss"}
        for method, path, body in (
            ("POST", "/auth/password", change),
            ("POST", "/auth/logout/everywhere", None),
            ("POST", "/auth/logout", None),
        ):
            await client.request(method, path, json=body, headers=sent)
        listed = await client.get("/auth/sessions", headers=sent)
        assert listed.status_code >= 400 or listed.json() == []
        assert (await client.get("/auth/me", headers=bearer(pair))).status_code == 200
        assert (await browser.get("/auth/me")).status_code == 200
        assert (await login(client)).status_code == 200
        assert not await events_of(app, "PASSWORD_CHANGED")


async def test_scopes_of_the_row_do_not_count_alone():
    """Somebody who can write to the table of keys, but not of roles, gains nothing."""
    world = World()
    issued = await world.issue("posts:read")
    world.store._keys[issued.record.id] = replace(issued.record, scopes=("*", "users:write"))
    principal = await world.principal(issued.secret.reveal())
    assert principal is not None
    assert list(principal.permissions) == ["posts:read"]
    assert principal.scopes == frozenset()
