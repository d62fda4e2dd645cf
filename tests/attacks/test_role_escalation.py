"""Somebody with some power gives themselves, or a friend, more.

Ways tried: granting a role above one's own, own permissions with wildcards, text that is no
permission but matches a wildcard, names that differ only in case or blanks, roles left in the
database after they were removed from the code, a credential narrowed by scopes (ASVS 8.2.1).
"""

from __future__ import annotations

import pytest

from zenith.kernel.principal import Principal
from zenith.rbac import Role, RoleSet, can_grant

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
