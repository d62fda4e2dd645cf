"""Somebody with some power gives themselves, or a friend, more.

Ways tried: granting a role above one's own, own permissions with wildcards, text that is no
permission but matches a wildcard, names that differ only in case or blanks, roles left in the
database after they were removed from the code, a credential narrowed by scopes; then, at run time,
writing more into a role by permission, inheritance, level or name, emptying or deleting the roles
of those above, circles, a role of one tenant used in another, power for an hour turned into power
for ever, and rows that somebody wrote into the database by hand (ASVS 8.2.1, 8.3.2, 8.4.1).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import ALICE
from tests.accounts.office import Office
from zenith.accounts import LastAdministratorError
from zenith.kernel.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    SecurityError,
    ValidationError,
)
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.rbac import Role, RoleAssignment, RoleDefinition, RoleSet, can_grant

ROLES = RoleSet()


def holder(*roles: str) -> Principal:
    held, permissions = ROLES.compile(roles)
    return Principal(subject="mallory", roles=held, permissions=permissions)


@pytest.mark.parametrize("mine", list(Role))
def test_no_role_grants_a_higher_one(mine: Role) -> None:
    order = list(Role)
    for theirs in order:
        may = order.index(theirs) >= order.index(mine)
        assert can_grant(holder(mine), [theirs], ROLES) is may


@pytest.mark.parametrize("text", ["*", "**", "users:**", "settings:*", "*:*", "users:*:*", ""])
def test_no_wildcard_reaches_further_than_ones_own(text: str) -> None:
    assert not can_grant(holder("admin"), ["user"], ROLES, permissions=[text])


@pytest.mark.parametrize("name", ["ADMIN", "Admin", " admin", "admin ", "admin\x00", "adm\u0456n"])
def test_names_that_look_alike_are_not_the_role(name: str) -> None:
    assert not ROLES.has_role(name, "admin")
    assert not ROLES.has_permission(name, "users:delete")
    assert not ROLES.has_role("admin", name)
    assert not can_grant(holder("super_admin"), [name], ROLES)


def test_a_role_that_was_removed_grants_nothing() -> None:
    smaller = RoleSet({"user": 1}, {"user": ["posts:read"]})
    assert not smaller.has_permission("super_admin", "posts:read")
    assert smaller.compile(["super_admin"])[0] == frozenset()


def test_owning_is_not_having() -> None:
    """`posts:write:own` is no `posts:write`: without a resource to own it opens nothing."""
    assert not ROLES.has_permission("user", "posts:write")
    assert not can_grant(holder("user"), [], ROLES, permissions=["posts:write"])


def test_the_tables_cannot_be_edited_at_run_time() -> None:
    from zenith.rbac import ROLE_HIERARCHY, ROLE_PERMISSIONS

    for table in (ROLE_HIERARCHY, ROLE_PERMISSIONS):
        with pytest.raises(TypeError):
            table["guest"] = 100  # type: ignore[index]
    given = {"user": ["posts:read"]}
    roles = RoleSet({"user": 1}, given)
    given["user"].append("*")
    assert not roles.has_permission("user", "users:delete")


@pytest.fixture
async def office():
    """An administrator, and Mallory, who may edit roles and give them, but is none."""
    office = Office()
    await office.hire("root", "super_admin")
    await office.make("root", "keeper", "keys:rotate")
    await office.make("root", "clerk", "roles:*", "posts:read", "files:*", level=50)
    await office.hire("mallory", "clerk")
    await office.hire("friend", "user")
    return office


WRITES = {
    "a permission": lambda o: o.change("mallory", "clerk", permissions=["settings:write"]),
    "all permissions": lambda o: o.change("mallory", "clerk", permissions=["*"]),
    "a wildcard over what he has": lambda o: o.change("mallory", "clerk", permissions=["posts:*"]),
    "one's own made everybody's": lambda o: o.change(
        "mallory", "clerk", permissions=["posts:write"]
    ),
    "into a role below": lambda o: o.change("mallory", "user", permissions=["keys:rotate"]),
    "by inheritance": lambda o: o.change("mallory", "clerk", inherits=["keeper"]),
    "by inheritance below": lambda o: o.change("mallory", "guest", inherits=["keeper"]),
    "the administrator by inheritance": lambda o: o.change(
        "mallory", "clerk", inherits=["super_admin"]
    ),
    "by level": lambda o: o.change("mallory", "clerk", level=70),
    "by the highest level": lambda o: o.change("mallory", "clerk", level=99),
    "by the administrator's level": lambda o: o.change("mallory", "clerk", level=100),
    "by a level above all": lambda o: o.change("mallory", "user", level=1_000_000),
    "a higher role": lambda o: o.change("mallory", "moderator", permissions=["posts:read"]),
    "a higher role, beneath oneself": lambda o: o.change("mallory", "moderator", level=1),
    "a role beside": lambda o: o.change("mallory", "keeper", permissions=["posts:read"]),
    "the administrator's": lambda o: o.change("mallory", "super_admin", permissions=["x:y"]),
    "a new role": lambda o: o.make("mallory", "mine", "posts:read"),
    "a new role within reach": lambda o: o.make("mallory", "mine", "posts:read", level=45),
    "a new role under all": lambda o: o.make("mallory", "mine", level=0),
    "another name": lambda o: o.change("mallory", "clerk", name="auditor"),
    "the administrator's name": lambda o: o.change("mallory", "clerk", name="super_admin"),
    "a name that looks alike": lambda o: o.change("mallory", "clerk", name="super_\u0430dmin"),
    "deletes a role beside": lambda o: o.delete("mallory", "keeper"),
    "deletes the administrator's": lambda o: o.delete("mallory", "super_admin"),
    "deletes what there is not": lambda o: o.delete("mallory", "nothing"),
    "gives a higher role": lambda o: o.grant("mallory", "friend", "moderator"),
    "gives it in a tenant": lambda o: o.grant("mallory", "friend", "admin", tenant="acme"),
    "gives it for a moment": lambda o: o.grant(
        "mallory", "friend", "super_admin", expires_at=o.now + 1
    ),
    "gives it himself": lambda o: o.grant("mallory", "mallory", "clerk"),
    "takes it from those above": lambda o: o.revoke("mallory", "root", "super_admin"),
    "gives a permission": lambda o: own(o, "friend", "keys:rotate"),
    "gives a wildcard": lambda o: own(o, "friend", "keys:*"),
    "gives everything": lambda o: own(o, "friend", "*"),
    "gives himself": lambda o: own(o, "mallory", "posts:read"),
    "takes from those above": lambda o: own(o, "root"),
}


async def own(office, name, *permissions):
    actor = await office.who("mallory")
    await office.world.assignments.set_permissions(actor, name, permissions, client=ALICE)


@pytest.mark.parametrize("way", WRITES)
async def test_who_edits_roles_writes_nothing_into_them_that_he_lacks(office, way) -> None:
    before = await office.world.role_store.load()
    people = [await office.world.accounts.by_id(name) for name in ("root", "mallory", "friend")]
    with pytest.raises(
        (PermissionDeniedError, ConflictError, ValidationError, NotFoundError)
    ) as caught:
        await WRITES[way](office)
    assert caught.type is not LastAdministratorError
    assert await office.world.role_store.load() == before
    assert people == [
        await office.world.accounts.by_id(name) for name in ("root", "mallory", "friend")
    ]
    assert not [each for each in people if await office.world.role_store.limited(each.id)]


async def test_what_he_holds_he_may_write(office) -> None:
    """So that the refusals above are not those of a gate that is shut for all."""
    await office.change("mallory", "clerk", permissions=["roles:*", "files:read", "posts:read"])
    await office.change("mallory", "user", permissions=["files:read"])
    await office.change("mallory", "guest", level=30, inherits=[])
    assert await office.grant("mallory", "friend", "clerk", tenant="acme")
    assert await office.revoke("mallory", "friend", "clerk", tenant="acme")
    await own(office, "friend", "files:read")
    with pytest.raises(PermissionDeniedError):  # what he gave away himself is gone
        await office.change("mallory", "clerk", permissions=["files:*"])


@pytest.mark.parametrize(
    "mark",
    [{"scopes": frozenset({"roles:write"})}, {"kind": "api_key"}, {"subject": "nobody"}],
)
async def test_a_narrowed_or_borrowed_credential_edits_nothing(office, mark) -> None:
    actor = replace(await office.who("root"), **mark)
    works = (
        lambda: office.make(actor, "mine"),
        lambda: office.change(actor, "user", permissions=[]),
        lambda: office.delete(actor, "clerk"),
        lambda: office.grant(actor, "friend", "user", tenant="acme"),
        lambda: office.make(ANONYMOUS, "mine"),
    )
    for work in works:
        with pytest.raises(PermissionDeniedError):
            await work()


async def test_power_for_an_hour_makes_none_for_ever(office) -> None:
    """Somebody who is administrator for an hour gives a friend, or a role that both hold, what
    outlives the hour.
    """
    hour = office.now + 3600
    await office.grant("root", "mallory", "super_admin", expires_at=hour)
    assert (await office.who("mallory")).has_permission("anything:at:all")
    for work in (
        lambda: office.grant("mallory", "friend", "super_admin"),
        lambda: office.grant("mallory", "friend", "super_admin", expires_at=hour + 1),
        lambda: office.grant("mallory", "friend", "admin"),
        lambda: office.change("mallory", "clerk", permissions=["*"]),
        lambda: office.change("mallory", "user", inherits=["keeper"]),
        lambda: office.make("mallory", "mine", "posts:read"),
        lambda: office.delete("mallory", "keeper"),
        lambda: own(office, "friend", "keys:rotate"),
    ):
        with pytest.raises(PermissionDeniedError):
            await work()
    assert await office.grant("mallory", "friend", "admin", expires_at=hour)
    actor, roles = await office.who("mallory"), ["super_admin"]
    with pytest.raises(PermissionDeniedError):
        await office.world.administration.set_roles(actor, "friend", roles, client=ALICE)


async def test_power_in_a_tenant_is_none_outside(office) -> None:
    await office.grant("root", "mallory", "admin", tenant="acme")
    there = await office.who("mallory", "acme")
    assert there.has_permission("users:write")
    for work in (
        lambda: office.grant(there, "friend", "user"),
        lambda: office.grant(there, "friend", "admin", tenant="other"),
        lambda: office.grant(there, "friend", "admin", tenant="*"),
        lambda: office.grant(there, "friend", "super_admin", tenant="acme"),
        lambda: office.revoke(there, "friend", "user"),
        lambda: office.change(there, "user", permissions=[]),
        lambda: office.delete(there, "clerk"),
        lambda: office.world.administration.lock(there, "friend", client=ALICE),
    ):
        with pytest.raises(PermissionDeniedError):
            await work()
    assert await office.grant(there, "friend", "admin", tenant="acme")
    # And who is an administrator of the whole does nothing to it while acting in a part.
    await office.grant("root", "friend", "user", tenant="acme")
    with pytest.raises(PermissionDeniedError):
        await office.change(await office.who("root", "acme"), "user", permissions=[])


async def test_who_was_demoted_a_moment_ago_gives_nothing(office) -> None:
    """The credential still says what its owner was when the request came in."""
    before = await office.who("mallory")
    await office.world.accounts.set_roles("mallory", ["user"], keep_one=None)
    for work in (
        lambda: office.grant(before, "friend", "clerk"),
        lambda: office.change(before, "clerk", description="mine"),
    ):
        with pytest.raises(PermissionDeniedError):
            await work()
    await office.world.accounts.set_locked("root", 5.0, keep_one=None)
    root = replace(before, subject="root", roles=ROLES.roles)
    with pytest.raises(PermissionDeniedError):
        await office.grant(root, "friend", "clerk")


async def test_a_role_that_comes_back_is_not_held_by_those_who_held_it(office) -> None:
    await office.hire("old", "user", "auditor")
    await office.world.role_store.grant(
        RoleAssignment(account_id="old", role="auditor", tenant="acme", granted_at=1.0),
        expected=await office.world.role_store.version(),
    )
    await office.make("root", "auditor", "audit:read")
    assert "auditor" not in (await office.who("old")).roles
    assert "auditor" not in (await office.who("old", "acme")).roles


async def test_two_administrators_cannot_remove_each_other(office) -> None:
    await office.hire("second", "super_admin")
    one, two = await office.who("root"), await office.who("second")
    await office.revoke(one, "second", "super_admin")
    with pytest.raises(SecurityError):
        await office.revoke(two, "root", "super_admin")
    cli = replace(one, subject="operator", kind="service", scheme="cli")
    for work in (
        office.revoke(cli, "root", "super_admin"),
        office.world.administration.set_roles(cli, "root", ["admin"], client=ALICE),
        office.world.administration.lock(cli, "root", client=ALICE),
    ):
        with pytest.raises(LastAdministratorError):
            await work
    assert await office.world.accounts.delete("root", keep_one="super_admin") == "kept"
    for name in ("x", "super_admin"):
        with pytest.raises(SecurityError):
            await office.change("root", "super_admin", permissions=[], name=name)


@pytest.mark.parametrize(
    "row",
    [
        RoleDefinition(name="super_admin", permissions=()),
        RoleDefinition(name="super_admin", level=1),
        RoleDefinition(name="user", permissions=("posts:read", "not one", "*:*")),
        RoleDefinition(name="user", inherits=("super_admin", "nobody")),
        RoleDefinition(name="user", level=100),
        RoleDefinition(name="user", level=5000),
        RoleDefinition(name="user", inherits=("user",)),
        RoleDefinition(name="user", level=40, inherits=("admin",)),
    ],
)
async def test_a_row_written_by_hand_makes_no_administrator_and_stops_nothing(
    office, row: RoleDefinition
) -> None:
    store = office.world.role_store
    store._definitions[row.name] = row
    store._version += 1
    office.world.pass_time(1.0)
    friend = await office.who("friend")
    assert not friend.has_permission("settings:write")
    assert not friend.has_permission("keys:rotate")
    assert "super_admin" not in friend.roles
    assert (await office.who("root")).has_permission("anything:at:all")
