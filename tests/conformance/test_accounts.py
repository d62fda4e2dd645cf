"""Every account store keeps the contract of `zenith.accounts.store`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zenith.accounts.store import Account, AccountStore
from zenith.kernel.errors import ConflictError


def person(name: str, *, roles: tuple[str, ...] = ("user",)) -> Account:
    return Account(
        id=f"id-{name}",
        email=f"{name.upper()}@Example.org",
        email_key=f"{name}@example.org",
        name=name,
        password_hash="$hash",
        roles=roles,
        permissions=("reports:read",),
        created_at=1000.5,
        locked_at=None,
        email_verified_at=1001.25,
        password_changed_at=1002.0,
        last_sign_in_at=None,
    )


async def test_an_account_comes_back_as_it_was_stored(accounts: AccountStore) -> None:
    ada = replace(person("ada", roles=("user", "admin")), name="Ada 🐘 'quoted' %")
    assert await accounts.create(ada)
    assert await accounts.by_id(ada.id) == ada
    assert await accounts.by_email(ada.email_key) == ada
    assert await accounts.by_id("nobody") is None
    assert await accounts.by_email("nobody@example.org") is None


async def test_an_account_may_hold_no_role_and_no_password(accounts: AccountStore) -> None:
    bare = replace(person("bare", roles=()), password_hash=None, permissions=())
    assert await accounts.create(bare)
    assert await accounts.by_id(bare.id) == bare


async def test_the_same_role_twice_is_one_role(accounts: AccountStore) -> None:
    await accounts.create(person("ada", roles=("user", "admin", "user")))
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert stored.roles == ("user", "admin")


async def test_an_email_is_taken_once(accounts: AccountStore) -> None:
    assert await accounts.create(person("ada"))
    second = replace(person("ada"), id="another", roles=("admin",))
    assert not await accounts.create(second)
    assert await accounts.by_id("another") is None
    assert not await accounts.has_role("admin")


async def test_an_id_that_is_taken_is_a_conflict(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    with pytest.raises(ConflictError):
        await accounts.create(replace(person("ben"), id="id-ada"))
    assert await accounts.by_email("ben@example.org") is None


async def test_the_first_of_a_role_is_stored_once(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    assert not await accounts.create_first(replace(person("ada"), id="x"), role="admin")
    assert not await accounts.has_role("admin")
    assert await accounts.create_first(person("ben", roles=("user", "admin")), role="admin")
    assert not await accounts.create_first(person("eve", roles=("admin",)), role="admin")
    assert await accounts.by_email("eve@example.org") is None
    assert await accounts.has_role("admin")


async def test_a_password_is_replaced_only_by_who_saw_it(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    assert not await accounts.set_password("id-ada", "$new", expected="$other", changed_at=5.0)
    assert not await accounts.set_password("id-ada", "$new", expected=None, changed_at=5.0)
    assert not await accounts.set_password("nobody", "$new", expected="$hash", changed_at=5.0)
    assert await accounts.set_password("id-ada", "$new", expected="$hash", changed_at=2000.0)
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert (stored.password_hash, stored.password_changed_at) == ("$new", 2000.0)


async def test_a_rehash_is_no_change_of_password(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    assert await accounts.set_password("id-ada", "$better", expected="$hash", changed_at=None)
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert (stored.password_hash, stored.password_changed_at) == ("$better", 1002.0)


async def test_a_first_password_expects_none(accounts: AccountStore) -> None:
    await accounts.create(replace(person("ada"), password_hash=None))
    assert not await accounts.set_password("id-ada", "$new", expected="$hash", changed_at=1.0)
    assert await accounts.set_password("id-ada", "$new", expected=None, changed_at=1.0)


async def test_locking_and_unlocking(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    assert await accounts.set_locked("nobody", 5.0, keep_one=None) == "unchanged"
    assert await accounts.set_locked("id-ada", None, keep_one=None) == "unchanged"
    assert await accounts.set_locked("id-ada", 5.0, keep_one=None) == "changed"
    assert await accounts.set_locked("id-ada", 6.0, keep_one=None) == "unchanged"
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert stored.locked_at == 5.0
    assert await accounts.set_locked("id-ada", None, keep_one=None) == "changed"
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert stored.is_active


async def test_the_last_unlocked_holder_is_not_locked(accounts: AccountStore) -> None:
    await accounts.create(person("ada", roles=("admin",)))
    await accounts.create(person("ben", roles=("admin",)))
    await accounts.create(person("eve"))
    assert await accounts.set_locked("id-eve", 5.0, keep_one="admin") == "changed"
    assert await accounts.set_locked("id-ada", 5.0, keep_one="admin") == "changed"
    assert await accounts.set_locked("id-ada", 6.0, keep_one="admin") == "unchanged"
    assert await accounts.set_locked("id-ben", 5.0, keep_one="admin") == "kept"
    ben = await accounts.by_id("id-ben")
    assert ben is not None
    assert ben.is_active
    assert await accounts.set_locked("id-ada", None, keep_one="admin") == "changed"
    assert await accounts.set_locked("id-ben", 7.0, keep_one="admin") == "changed"


async def test_roles_are_replaced(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    assert not await accounts.set_roles("nobody", ["admin"], keep_one=None)
    assert await accounts.set_roles("id-ada", ["manager", "user", "manager"], keep_one=None)
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert stored.roles == ("manager", "user")
    assert await accounts.has_role("manager")
    assert await accounts.set_roles("id-ada", [], keep_one=None)
    assert not await accounts.has_role("manager")
    assert not await accounts.has_role("user")


async def test_the_last_unlocked_holder_keeps_the_role(accounts: AccountStore) -> None:
    await accounts.create(person("ada", roles=("admin",)))
    await accounts.create(person("ben", roles=("admin",)))
    await accounts.set_locked("id-ben", 5.0, keep_one=None)
    assert not await accounts.set_roles("id-ada", ["user"], keep_one="admin")
    assert await accounts.set_roles("id-ada", ["user", "admin"], keep_one="admin")
    # Who is locked, or holds the role not at all, is not its last open holder.
    assert await accounts.set_roles("id-ben", ["user"], keep_one="admin")
    assert await accounts.set_roles("id-ben", ["guest"], keep_one="admin")
    await accounts.create(person("eve", roles=("admin",)))
    assert await accounts.set_roles("id-ada", ["user"], keep_one="admin")
    assert not await accounts.set_roles("id-eve", [], keep_one="admin")


async def test_the_last_sign_in_is_remembered(accounts: AccountStore) -> None:
    await accounts.create(person("ada"))
    await accounts.note_sign_in("id-ada", 77.5)
    await accounts.note_sign_in("nobody", 77.5)
    stored = await accounts.by_id("id-ada")
    assert stored is not None
    assert stored.last_sign_in_at == 77.5


async def test_pages_follow_each_other_by_key(accounts: AccountStore) -> None:
    # Sorted by their bytes on every database, whatever its locale.
    names = ["a-b", "ab", "b_c", "b%c", "bc", "éa", "z"]
    for name in names:
        await accounts.create(person(name, roles=("user", "admin")))
    keys: list[str] = []
    after: str | None = None
    while found := await accounts.page(after=after, limit=3):
        keys += [account.email_key for account in found]
        assert all(account.roles == ("user", "admin") for account in found)
        after = found[-1].email_key
    assert keys == sorted(f"{name}@example.org" for name in names)
    assert await accounts.page(after=None, limit=0) == []


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("%", ["b%c"]),
        ("_", ["b_c"]),
        ("\\", []),
        ("ZEN", []),
        ("'; DROP TABLE zenith_accounts; --", []),
        ("@", ["b%c", "b_c", "bxc", "zen"]),
    ],
)
async def test_a_search_is_literal(
    accounts: AccountStore, search: str, expected: list[str]
) -> None:
    for name in ("b%c", "b_c", "bxc", "zen"):
        await accounts.create(person(name))
    found = await accounts.page(after=None, limit=10, search=search)
    assert [account.name for account in found] == expected
