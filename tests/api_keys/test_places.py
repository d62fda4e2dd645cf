"""Keys of one tenant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.api_keys.fakes import World, operator, person
from zenith.api_keys import (
    MANAGE_ALL,
    MANAGE_OWN,
    Actor,
    APIKeyError,
    KeyRequest,
    KeyRequestError,
)
from zenith.authentication import Subject
from zenith.kernel.errors import NotFoundError, PermissionDeniedError
from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal

ADA = Subject(id="ada", active=True, permissions=Permissions(["posts:read"]))


def belongs(world: World, **tenants: str) -> None:
    """Ada belongs to these, and holds this permission there; what was known is a second old."""
    names = frozenset(tenants)
    world.source.subjects["ada"] = replace(ADA, tenants=names)
    world.source.inside = {
        ("ada", name): replace(
            ADA, tenants=names, tenant=name, permissions=Permissions(["posts:read", held])
        )
        for name, held in tenants.items()
    }
    world.pass_time(1.0)


@pytest.fixture
def world() -> World:
    made = World(tenants=True)
    belongs(made, acme="invoices:write", bolt="plans:write")
    return made


def wanted(*scopes: str, tenant: str | None = "acme", **more: Any) -> KeyRequest:
    return KeyRequest(
        **{"name": "x", "scopes": scopes, "owner_id": "ada", "tenant": tenant, **more}
    )


async def key_of(world: World, *scopes: str, tenant: str | None = "acme") -> str:
    issued = await world.keys.issue(operator(), wanted(*scopes, tenant=tenant))
    return issued.secret.reveal()


async def acting_with(world: World, key: str) -> Actor:
    request = world.exchange(key)
    await world.scheme.authenticate(request)
    return Actor.of(request)


async def test_a_key_acts_with_what_its_owner_may_do_there(world: World) -> None:
    issued = await world.keys.issue(person(), wanted("invoices:write"))
    assert issued.record.tenant == "acme"
    assert world.events.recorded[-1].details["tenant"] == "acme"
    principal = await world.principal(issued.secret.reveal())
    assert principal is not None
    assert principal.tenant == "acme"
    assert principal.kind == "api_key"
    assert list(principal.permissions) == ["invoices:write"]
    assert world.scheme.recall(world.exchange(issued.secret.reveal())) is principal


async def test_scopes_that_are_held_elsewhere_are_worth_nothing(world: World) -> None:
    for tenant, scope in (("acme", "plans:write"), (None, "plans:write"), ("bolt", "*")):
        with pytest.raises(KeyRequestError):
            await world.keys.issue(person(), wanted(scope, tenant=tenant))
        principal = await world.principal(await key_of(world, scope, "posts:read", tenant=tenant))
        assert principal is not None
        assert principal.tenant == tenant
        assert not principal.has_permission("invoices:write")
        assert tenant == "bolt" or not principal.has_permission("plans:write")
        assert principal.has_permission("posts:read")


@pytest.mark.parametrize("tenant", ["none", "*", "", "a\x00"])
async def test_only_members_make_keys(world: World, tenant: str) -> None:
    for actor in (person(), operator()):
        with pytest.raises(KeyRequestError) as refused:
            await world.keys.issue(actor, wanted(tenant=tenant))
        assert refused.value.detail == "The owner of the key does not belong to this tenant"
    belongs(world, bolt="plans:write")
    with pytest.raises(KeyRequestError):
        await world.keys.issue(person(), wanted())
    assert await world.store.of_owner("ada") == []


async def test_services_and_applications_without_tenants_have_none(world: World) -> None:
    with pytest.raises(KeyRequestError, match="service"):
        await world.keys.issue(operator(), wanted(owner_id=None))
    bare = World(world)
    assert not bare.keys.places.has_tenants
    assert world.keys.places.has_tenants
    with pytest.raises(KeyRequestError):
        await bare.keys.issue(operator(), wanted())


async def test_who_leaves_takes_the_key_along_within_a_second(world: World) -> None:
    key = await key_of(world, "posts:read", "invoices:write")
    first = await world.principal(key)
    belongs(world, bolt="plans:write")
    world.source.inside["ada", "acme"] = replace(
        ADA, tenants=frozenset({"bolt"}), tenant="acme", permissions=Permissions(["*"])
    )
    assert world.scheme.recall(world.exchange(key)) is None
    with pytest.raises(APIKeyError) as refused:
        await world.principal(key)
    assert refused.value.fault == "owner_left"
    belongs(world, acme="invoices:write")
    assert await world.principal(key) == first


async def test_a_locked_owners_key_is_dead(world: World) -> None:
    key = await key_of(world, "posts:read")
    world.source.inside["ada", "acme"] = Subject(id="ada", active=False, tenant="acme")
    world.pass_time(1.0)
    with pytest.raises(APIKeyError) as refused:
        await world.principal(key)
    assert refused.value.fault == "owner_inactive"


async def test_less_is_held_there_now(world: World) -> None:
    key = await key_of(world, "invoices:write")
    await world.principal(key)
    belongs(world, acme="other:write")
    principal = await world.principal(key)
    assert principal is not None
    assert list(principal.permissions) == []


async def test_a_successor_acts_where_the_key_did(world: World) -> None:
    issued = await world.keys.issue(person(), wanted("invoices:write"))
    successor = await world.keys.rotate(person(), issued.record.id)
    assert successor.record.tenant == "acme"
    belongs(world, bolt="plans:write")
    for actor in (person(), operator()):
        with pytest.raises(KeyRequestError):
            await world.keys.rotate(actor, successor.record.id)


@pytest.mark.parametrize("home", ["acme", None])
async def test_a_key_reaches_keys_of_its_own_place_only(world: World, home: str | None) -> None:
    ids = {}
    for place in ("acme", "bolt", None):
        made = await world.keys.issue(operator(), wanted("posts:read", tenant=place))
        ids[place] = made.record.id
    actor = await acting_with(world, await key_of(world, MANAGE_OWN, "posts:read", tenant=home))
    assert {key.tenant for key in await world.keys.own(actor)} == {home}
    assert len(await world.keys.own(person())) == 4
    assert await world.keys.own(operator()) == ()
    assert list(await world.keys.places.of(actor)) == [home]
    assert (await world.keys.rotate(actor, ids.pop(home))).record.tenant == home
    await world.keys.issue(actor, wanted("posts:read", tenant=home))
    for place, key_id in ids.items():
        with pytest.raises(KeyRequestError):
            await world.keys.issue(actor, wanted("posts:read", tenant=place))
        for change in (world.keys.rotate, world.keys.revoke):
            with pytest.raises(NotFoundError):
                await change(actor, key_id)


async def test_an_administrator_of_a_tenant_manages_nobodys_keys(world: World) -> None:
    theirs = await world.issue("posts:read")
    principal = Principal(subject="eve", permissions=Permissions(["*"]), tenant="acme")
    inside = Actor(principal=principal, owner_id="eve", address="192.0.2.1")
    outside = replace(inside, principal=replace(principal, tenant=None))
    assert outside.manages_all
    assert not inside.manages_all
    with pytest.raises(PermissionDeniedError):
        await world.keys.page(inside)
    with pytest.raises(NotFoundError):
        await world.keys.revoke(inside, theirs.record.id)
    with pytest.raises(PermissionDeniedError):
        await world.keys.issue(inside, wanted(MANAGE_ALL, owner_id=None, tenant=None))
    with pytest.raises(KeyRequestError):
        await world.keys.issue(inside, wanted("*", owner_id="eve", tenant=None))


async def test_what_a_form_offers(world: World) -> None:
    places = await world.keys.places.of(person())
    assert list(places) == [None, "acme", "bolt"]
    assert places["acme"].allow("invoices:write")
    assert not places["acme"].allow("plans:write")
    world.source.subjects["ada"] = replace(ADA, tenants=frozenset({"acme", "left"}))
    world.pass_time(1.0)
    assert list(await world.keys.places.of(person())) == [None, "acme"]
    assert list(await world.keys.places.of(person("gone"))) == [None]
    assert list(await world.keys.places.of(operator())) == [None]
