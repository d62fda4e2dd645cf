"""Every role store keeps the contract of `zenith.rbac.store`, also when many want at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.conformance.conftest import Place
from zenith.accounts.store import Account, AccountStore
from zenith.rbac import EVERYWHERE, RoleAssignment, RoleDefinition, RoleStore
from zenith.stores.memory import MemoryAccountStore, MemoryRoleStore
from zenith.stores.sql import SqlRoleStore

EDITOR = RoleDefinition(
    name="editor",
    permissions=("posts:*", "files:read"),
    inherits=("user",),
    level=45,
    description="Edits 🐘 'posts' %",
    changed_at=1000.5,
    changed_by="root",
)


@pytest.fixture
def roles(place: Place, accounts: AccountStore) -> RoleStore:
    if isinstance(accounts, MemoryAccountStore):
        return MemoryRoleStore(accounts)
    assert place.database is not None
    return SqlRoleStore(place.database)


def person(name: str, *roles: str) -> Account:
    email = f"{name}@example.org"
    return Account(id=name, email=email, email_key=email, roles=roles, created_at=1.0)


def assigned(
    name: str, role: str, tenant: str = EVERYWHERE, until: float | None = None
) -> RoleAssignment:
    return RoleAssignment(
        account_id=name,
        role=role,
        tenant=tenant,
        expires_at=until,
        granted_by="root",
        granted_at=50.0,
    )


async def test_definitions_come_back_as_they_were_stored(roles: RoleStore) -> None:
    assert await roles.version() == 0
    assert (await roles.load()).definitions == ()
    assert await roles.put(EDITOR, expected=0, fresh=True)
    bare = RoleDefinition(name="bare")
    assert await roles.put(bare, expected=1, fresh=True)
    stored = await roles.load()
    assert stored.version == await roles.version() == 2
    assert {each.name: each for each in stored.definitions} == {"editor": EDITOR, "bare": bare}
    less = replace(EDITOR, permissions=(), level=None)
    assert await roles.put(less, expected=2, fresh=False)
    assert less in (await roles.load()).definitions


async def test_a_change_that_was_judged_by_another_version_is_refused(roles: RoleStore) -> None:
    await roles.put(EDITOR, expected=0, fresh=True)
    assert not await roles.put(replace(EDITOR, permissions=("*",)), expected=0, fresh=False)
    assert await roles.remove("editor", expected=0, release=True) is None
    assert await roles.rename("editor", replace(EDITOR, name="x"), expected=0) is None
    stored = await roles.load()
    assert (stored.version, stored.definitions) == (1, (EDITOR,))


async def test_of_many_changes_of_one_version_one_is_stored(roles: RoleStore) -> None:
    await roles.put(EDITOR, expected=0, fresh=True)
    changes = [
        roles.put(replace(EDITOR, description=str(number)), expected=1, fresh=False)
        for number in range(30)
    ]
    assert sorted(await asyncio.gather(*changes)) == [False] * 29 + [True]
    assert await roles.version() == 2


async def test_assignments_are_of_a_place_and_a_time(
    roles: RoleStore, accounts: AccountStore
) -> None:
    await accounts.create(person("ada", "user"))
    wanted = [
        assigned("ada", "editor"),
        assigned("ada", "editor", "acme"),
        assigned("ada", "editor", "zeta", 100.0),
        assigned("ada", "support", EVERYWHERE, 200.0),
    ]
    for each in reversed(wanted):
        assert await roles.grant(each, expected=0) == "granted"
        assert await roles.grant(each, expected=0) == "unchanged"
    born = RoleAssignment(account_id="ada", role="user")
    assert await roles.assignments("ada") == [born, *wanted]
    assert await roles.limited("ada") == wanted[1:]
    account = await accounts.by_id("ada")
    assert account is not None
    assert account.roles == ("user", "editor")
    assert await roles.assignments("nobody") == []


async def test_an_end_is_moved_and_an_end_of_the_endless_is_refused(
    roles: RoleStore, accounts: AccountStore
) -> None:
    await accounts.create(person("ada", "user"))
    await roles.grant(assigned("ada", "editor", EVERYWHERE, 100.0), expected=0)
    assert await roles.grant(assigned("ada", "editor", EVERYWHERE, 90.0), expected=0) == "granted"
    assert [each.expires_at for each in await roles.limited("ada")] == [90.0]
    assert await roles.grant(assigned("ada", "editor"), expected=0) == "granted"
    assert await roles.limited("ada") == []
    assert await roles.grant(assigned("ada", "editor", EVERYWHERE, 90.0), expected=0) == "held"
    assert await roles.grant(assigned("ada", "editor", "acme", 90.0), expected=0) == "granted"


async def test_nothing_is_given_to_nobody_or_by_old_definitions(
    roles: RoleStore, accounts: AccountStore
) -> None:
    await accounts.create(person("ada"))
    assert await roles.grant(assigned("nobody", "editor"), expected=0) == "unknown"
    assert await roles.grant(assigned("ada", "editor"), expected=7) == "outdated"
    assert await roles.assignments("ada") == []


async def test_what_is_taken_away_is_gone_there_only(
    roles: RoleStore, accounts: AccountStore
) -> None:
    await accounts.create(person("ada", "user", "editor"))
    await roles.grant(assigned("ada", "editor", "acme"), expected=0)
    revoke = roles.revoke
    assert await revoke("ada", "editor", "zeta", keep_one=None) == "unknown"
    assert await revoke("ada", "editor", "acme", keep_one=None) == "revoked"
    assert await roles.limited("ada") == []
    assert await revoke("ada", "editor", EVERYWHERE, keep_one="editor") == "kept"
    assert await revoke("ada", "editor", EVERYWHERE, keep_one="user") == "revoked"
    assert await revoke("ada", "editor", EVERYWHERE, keep_one=None) == "unknown"
    assert await revoke("nobody", "editor", EVERYWHERE, keep_one="editor") == "unknown"
    assert [each.role for each in await roles.assignments("ada")] == ["user"]


async def test_holders_are_found_in_pages(roles: RoleStore, accounts: AccountStore) -> None:
    for name in ("ada", "ben", "cid"):
        await accounts.create(person(name, "user"))
    await roles.grant(assigned("ada", "editor", "acme"), expected=0)
    await roles.grant(assigned("ada", "editor"), expected=0)
    await roles.grant(assigned("cid", "editor", EVERYWHERE, 9.0), expected=0)
    found = await roles.holders("editor", after=None, limit=10)
    assert [(each.account_id, each.tenant) for each in found] == [
        ("ada", "*"),
        ("ada", "acme"),
        ("cid", "*"),
    ]
    assert await roles.holders("editor", after=("ada", "*"), limit=10) == found[1:]
    assert await roles.holders("editor", after=None, limit=1) == found[:1]


async def test_a_deleted_role_is_held_by_nobody(roles: RoleStore, accounts: AccountStore) -> None:
    await accounts.create(person("ada", "user"))
    await accounts.create(person("ben", "editor"))
    await roles.put(EDITOR, expected=0, fresh=False)
    await roles.grant(assigned("ada", "editor", "acme"), expected=1)
    assert sorted(await roles.remove("editor", expected=1, release=True) or ()) == ["ada", "ben"]
    assert (await roles.load()).definitions == ()
    assert await roles.holders("editor", after=None, limit=10) == []


async def test_a_definition_may_go_without_its_holders(
    roles: RoleStore, accounts: AccountStore
) -> None:
    await accounts.create(person("ben", "editor"))
    await roles.put(EDITOR, expected=0, fresh=False)
    assert await roles.remove("editor", expected=1, release=False) == ()
    assert len(await roles.holders("editor", after=None, limit=10)) == 1


async def test_a_new_role_wakes_no_old_assignments(
    roles: RoleStore, accounts: AccountStore
) -> None:
    """Somebody who held a role of this name before it was removed from the code."""
    await accounts.create(person("ben", "editor", "user"))
    await roles.grant(assigned("ben", "editor", "acme"), expected=0)
    await roles.put(EDITOR, expected=0, fresh=True)
    assert [each.role for each in await roles.assignments("ben")] == ["user"]


async def test_holders_follow_a_new_name(roles: RoleStore, accounts: AccountStore) -> None:
    await accounts.create(person("ada", "editor", "user"))
    await accounts.create(person("ben", "user"))
    await accounts.create(person("eve", "writer"))
    await roles.put(EDITOR, expected=0, fresh=False)
    await roles.grant(assigned("ben", "editor", "acme", 90.0), expected=1)
    writer = replace(EDITOR, name="writer")
    assert sorted(await roles.rename("editor", writer, expected=1) or ()) == ["ada", "ben"]
    assert (await roles.load()).definitions == (writer,)
    account = await accounts.by_id("ada")
    assert account is not None
    assert account.roles == ("writer", "user")
    assert [each.account_id for each in await roles.holders("writer", after=None, limit=9)] == [
        "ada",
        "ben",
    ]
    assert await accounts.has_role("writer")
    assert not await accounts.has_role("editor")


async def test_assignments_end_with_the_account_and_with_their_time(
    roles: RoleStore, accounts: AccountStore
) -> None:
    for name in ("ada", "ben"):
        await accounts.create(person(name, "user"))
        await roles.grant(assigned(name, "editor", "acme", 100.0), expected=0)
        await roles.grant(assigned(name, "editor", "zeta"), expected=0)
    await accounts.delete("ada", keep_one=None)
    assert await roles.limited("ada") == []
    assert [each.account_id for each in await roles.holders("editor", after=None, limit=9)] == [
        "ben",
        "ben",
    ]
    assert await roles.prune(99.9) == 0
    assert await roles.prune(100.0) >= 1
    assert [each.tenant for each in await roles.limited("ben")] == ["zeta"]


@pytest.mark.parametrize("way", ["revoke", "set_roles", "lock", "delete"])
async def test_one_administrator_stays_whatever_many_do_at_once(
    roles: RoleStore, accounts: AccountStore, way: str
) -> None:
    """Each takes the role from one holder, in all ways there are, all at the same time."""
    names = [f"a{number}" for number in range(12)]
    for name in names:
        await accounts.create(person(name, "user", "root"))
    # Neither a tenant's nor a temporary administrator counts.
    await accounts.create(person("guest", "user"))
    await roles.grant(assigned("guest", "root", "acme"), expected=0)
    await roles.grant(assigned("guest", "root", EVERYWHERE, 9e9), expected=0)

    async def take(number: int, name: str) -> None:
        if number % 3 == 0 or way == "revoke":
            await roles.revoke(name, "root", EVERYWHERE, keep_one="root")
        elif way == "set_roles":
            await accounts.set_roles(name, ("user",), keep_one="root")
        elif way == "lock":
            await accounts.set_locked(name, 5.0, keep_one="root")
        else:
            await accounts.delete(name, keep_one="root")

    await asyncio.gather(*(take(number, name) for number, name in enumerate(names)))
    found = [await accounts.by_id(name) for name in names]
    left = [each.id for each in found if each and each.is_active and "root" in each.roles]
    assert len(left) == 1


async def test_a_role_is_not_given_while_it_is_deleted(
    roles: RoleStore, accounts: AccountStore
) -> None:
    await roles.put(EDITOR, expected=0, fresh=True)
    names = [f"n{number}" for number in range(20)]
    for name in names:
        await accounts.create(person(name))
    grants = [roles.grant(assigned(name, "editor", "acme"), expected=1) for name in names]
    outcomes = await asyncio.gather(
        *grants[:10], roles.remove("editor", expected=1, release=True), *grants[10:]
    )
    assert outcomes[10] is not None
    assert await roles.holders("editor", after=None, limit=50) == []


async def test_own_permissions_are_replaced_by_who_saw_them(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    assert not await accounts.set_permissions("ada", ["x:y"], expected=["a:b"])
    assert not await accounts.set_permissions("nobody", ["x:y"], expected=[])
    changes = [accounts.set_permissions("ada", [f"x:{number}"], expected=[]) for number in range(9)]
    assert sorted(await asyncio.gather(*changes)) == [False] * 8 + [True]
    account = await accounts.by_id("ada")
    assert account is not None
    assert account.permissions[0].startswith("x:")
