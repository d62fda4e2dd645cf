from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.api_keys.fakes import World, operator, person
from zenith.api_keys import (
    MANAGE_ALL,
    MANAGE_OWN,
    Actor,
    APIKeySettings,
    KeyGoneError,
    KeyRequest,
    KeyRequestError,
    TooManyKeysError,
)
from zenith.kernel.errors import NotFoundError, PermissionDeniedError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal

DAY = 86_400.0
SHORT = {"default_lifetime": 7 * DAY, "max_lifetime": 7 * DAY}


@pytest.fixture
def world() -> World:
    return World()


def wanted(*scopes: str, **more: Any) -> KeyRequest:
    return KeyRequest(**{"name": "export", "scopes": scopes, "owner_id": "ada", **more})


async def test_a_person_makes_a_key(world: World) -> None:
    issued = await world.keys.issue(person(), wanted("posts:read", "read:data", name=" export "))
    record = issued.record
    assert record.name == "export"
    assert record.scopes == ("posts:read", "read:data")
    assert record.expires_at == world.time() + 90 * DAY
    assert record.rate_limit == 1000
    assert record.verify_key(issued.secret.reveal())
    assert await world.store.of_owner("ada") == [record]
    (event,) = world.events.recorded
    assert (event.type, event.subject, event.target) == ("API_KEY_CREATED", "ada", record.id)
    assert event.details["scopes"] == ["posts:read", "read:data"]
    assert issued.secret.reveal() not in repr(event) + repr(issued)
    assert record.key_hash not in repr(event) + repr(issued)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"scopes": ["users:write"]},
        {"scopes": ["*"]},
        {"scopes": ["a b"]},
        {"lifetime": 0},
        {"lifetime": 367 * DAY},
        {"rate_limit": 0},
        {"rate_limit": 1001},
    ],
)
async def test_what_no_key_can_have(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(KeyRequestError):
        await world.keys.issue(person(), wanted(**wrong))
    assert await world.store.of_owner("ada") == []


async def test_limits_and_lifetimes_can_be_lower(world: World) -> None:
    issued = await world.keys.issue(person(), wanted(rate_limit=5, lifetime=60))
    assert issued.record.rate_limit == 5
    assert issued.record.expires_at == world.time() + 60


async def test_an_administrator_may_allow_more(world: World) -> None:
    request = wanted("read:data", owner_id=None, rate_limit=100_000)
    issued = await world.keys.issue(person("root", "*"), request)
    assert issued.record.rate_limit == 100_000
    assert issued.record.owner_id is None


async def test_there_are_not_too_many_keys() -> None:
    world = World(settings=APIKeySettings(max_per_owner=2))
    for _ in range(2):
        issued = await world.keys.issue(person(), wanted())
    with pytest.raises(TooManyKeysError):
        await world.keys.issue(person(), wanted())
    await world.keys.revoke(person(), issued.record.id)
    await world.keys.issue(person(), wanted())


async def test_only_the_owner_makes_an_accounts_keys(world: World) -> None:
    for actor in (person("bob"), person("root", "*")):
        with pytest.raises(PermissionDeniedError):
            await world.keys.issue(actor, wanted())
    assert await world.keys.issue(operator(), wanted("any:thing"))


async def test_only_administrators_make_keys_of_services(world: World) -> None:
    with pytest.raises(PermissionDeniedError):
        await world.keys.issue(person(), wanted(owner_id=None))
    with pytest.raises(KeyRequestError):
        await world.keys.issue(person("root", MANAGE_ALL), wanted("users:write", owner_id=None))
    issued = await world.keys.issue(person("root", MANAGE_ALL), wanted(MANAGE_ALL, owner_id=None))
    assert issued.record.owner_id is None


async def test_a_narrowed_token_hands_on_its_scopes_only(world: World) -> None:
    principal = replace(person("ada", "*").principal, scopes=frozenset({MANAGE_OWN, "posts:read"}))
    actor = replace(person(), principal=principal)
    assert not actor.manages_all
    assert await world.keys.issue(actor, wanted("posts:read"))
    with pytest.raises(KeyRequestError):
        await world.keys.issue(actor, wanted("read:data"))
    assert world.keys.offered(actor, actor.principal.permissions) == (MANAGE_OWN,)


async def test_rotation_lets_the_old_key_live_on(world: World) -> None:
    old = await world.issue("posts:read")
    world.pass_time(10 * DAY)
    new = await world.keys.rotate(person(), old.record.id)
    assert (new.record.name, new.record.scopes) == (old.record.name, old.record.scopes)
    assert new.record.owner_id == "ada"
    assert new.record.expires_at == world.time() + 90 * DAY
    for issued in (old, new):
        assert await world.principal(issued.secret.reveal())
    assert world.events.recorded[-1].type == "API_KEY_ROTATED"
    assert world.events.recorded[-1].details["successor"] == new.record.id
    world.pass_time(DAY)
    assert await world.principal(new.secret.reveal())
    with pytest.raises(Exception, match="invalid or has expired"):
        await world.principal(old.secret.reveal())


async def test_a_successor_lives_no_longer_than_settings_allow_by_now(world: World) -> None:
    old = await world.issue("posts:read")
    stricter = World(world, settings=replace(world.keys.settings, **SHORT))
    new = await stricter.keys.rotate(person(), old.record.id)
    assert new.record.expires_at == world.time() + 7 * DAY


async def test_rotation_without_overlap_ends_the_old_key_at_once(world: World) -> None:
    old = await world.issue("posts:read")
    assert await world.principal(old.secret.reveal())
    await world.keys.rotate(person(), old.record.id, overlap=0)
    with pytest.raises(Exception, match="invalid or has expired"):
        await world.principal(old.secret.reveal())


async def test_a_key_without_end_stays_one(world: World) -> None:
    old = await world.issue("posts:read")
    endless = replace(old.record, id="endless", prefix="zk_endless", expires_at=None)
    await world.store.create(endless, now=world.time(), most=9)
    assert (await world.keys.rotate(person(), "endless")).record.expires_at is None


@pytest.mark.parametrize("overlap", [-1, DAY + 1])
async def test_the_overlap_is_bounded(world: World, overlap: float) -> None:
    old = await world.issue("posts:read")
    with pytest.raises(KeyRequestError):
        await world.keys.rotate(person(), old.record.id, overlap=overlap)


async def test_a_dead_key_is_not_rotated(world: World) -> None:
    old = await world.issue("posts:read")
    await world.keys.rotate(person(), old.record.id)
    with pytest.raises(KeyGoneError):
        await world.keys.rotate(person(), old.record.id)


async def test_other_peoples_keys_do_not_exist(world: World) -> None:
    key_id = (await world.issue("posts:read")).record.id
    for change in (world.keys.rotate, world.keys.revoke):
        for actor, key in ((person("bob"), key_id), (person(), "unknown")):
            with pytest.raises(NotFoundError):
                await change(actor, key)


async def test_an_administrator_ends_but_does_not_take_over(world: World) -> None:
    key_id = (await world.issue("posts:read")).record.id
    root = person("root", "*")
    with pytest.raises(PermissionDeniedError):
        await world.keys.rotate(root, key_id)
    assert await world.keys.revoke(root, key_id)
    assert not await world.keys.revoke(root, key_id)
    assert [event.type for event in world.events.recorded].count("API_KEY_REVOKED") == 1


async def test_keys_of_services_are_the_administrators(world: World) -> None:
    key_id = (await world.issue("posts:read", owner=None)).record.id
    with pytest.raises(NotFoundError):
        await world.keys.revoke(Actor.of(world.exchange("x")), key_id)
    assert await world.keys.rotate(person("root", "*"), key_id)


async def test_all_of_an_accounts_keys_end_together(world: World) -> None:
    keys = [await world.issue("posts:read") for _ in range(3)]
    other = await world.issue(owner=None)
    assert await world.principal(keys[0].secret.reveal())
    assert len(await world.keys.revoke_all("ada")) == 3
    with pytest.raises(Exception, match="invalid or has expired"):
        await world.principal(keys[0].secret.reveal())
    assert await world.principal(other.secret.reveal())


async def test_everybodys_keys_are_for_administrators(world: World) -> None:
    issued = await world.issue("posts:read")
    assert await world.keys.page(person("root", MANAGE_ALL)) == [issued.record]
    for actor in (person(), person("bob", "users:*")):
        with pytest.raises(PermissionDeniedError):
            await world.keys.page(actor)


def test_a_form_offers_what_can_be_given(world: World) -> None:
    actor = person("ada", "posts:read", "comments:write:own")
    offered = world.keys.offered(actor, actor.principal.permissions)
    assert offered == (MANAGE_OWN, "comments:write:own", "posts:read", "read:data")


async def test_dead_keys_are_forgotten_after_a_month(world: World) -> None:
    issued = await world.issue("posts:read")
    await world.keys.revoke(operator(), issued.record.id)
    world.pass_time(29 * DAY)
    assert await world.keys.prune() == 0
    world.pass_time(2 * DAY)
    assert await world.keys.prune() == 1


async def test_making_keys_is_paced(world: World) -> None:
    seen: list[str] = []

    async def pace(actor: Actor) -> None:
        seen.append(actor.principal.subject)

    world.keys._pace = pace  # type: ignore[misc]
    issued = await world.keys.issue(person(), wanted())
    await world.keys.rotate(person(), issued.record.id)
    await world.issue()
    assert seen == ["ada", "ada"]


async def test_an_owner_who_is_gone_gets_none(world: World) -> None:
    async def gone(*_: object, **__: object) -> str:
        return "no_owner"

    world.store.create = gone  # type: ignore[method-assign,assignment]
    with pytest.raises(NotFoundError):
        await world.keys.issue(person(), wanted())


def test_a_principal_without_an_account_owns_nothing() -> None:
    actor = operator()
    assert actor.owner_id is None
    assert actor.manages_all
    narrow = Principal(
        subject="root", permissions=Permissions(["*"]), scopes=frozenset({MANAGE_ALL})
    )
    assert replace(person(), principal=narrow).manages_all
