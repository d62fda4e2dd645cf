from __future__ import annotations

import logging
from typing import Any

import pytest

from zenith.authentication import Grants
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.principal import ANONYMOUS, Principal
from zenith.rbac import ROLE_HIERARCHY, ROLE_PERMISSIONS, Role, RoleSet, can_grant
from zenith.rbac.roles import MAX_COMPILED, MAX_REPORTED

ALL = [str(role) for role in Role]
DEFAULT = RoleSet()


def principal(*roles: str, own: tuple[str, ...] = (), **marks: Any) -> Principal:
    held, permissions = DEFAULT.compile(roles, own)
    return Principal(subject="ada", roles=held, permissions=permissions, **marks)


def test_the_default_set() -> None:
    assert ROLE_HIERARCHY == {
        "super_admin": 100,
        "admin": 80,
        "moderator": 60,
        "user": 40,
        "guest": 20,
    }
    assert set(ROLE_PERMISSIONS) == set(ALL)
    assert ROLE_PERMISSIONS["super_admin"] == ("*",)
    assert set(ROLE_PERMISSIONS["guest"]) == {"posts:read", "comments:read"}
    assert DEFAULT.roles == set(ALL)


@pytest.mark.parametrize(
    ("role", "allowed", "denied"),
    [
        ("super_admin", ["anything:at:all", "users:delete", "settings:write"], []),
        ("admin", ["users:delete", "posts:write", "settings:write"], ["settings:delete", "keys:x"]),
        ("moderator", ["posts:delete", "comments:pin", "users:read"], ["users:write", "posts:pin"]),
        (
            "user",
            ["posts:read", "posts:write:own", "users:read:own"],
            ["posts:write", "users:read"],
        ),
        ("guest", ["posts:read", "comments:read"], ["posts:write:own", "users:read:own"]),
        ("nobody", [], ["posts:read"]),
        ("", [], ["posts:read"]),
    ],
)
def test_what_each_role_may(role: str, allowed: list[str], denied: list[str]) -> None:
    assert all(DEFAULT.has_permission(role, text) for text in allowed)
    assert not any(DEFAULT.has_permission(role, text) for text in denied)


def test_a_role_implies_those_below_and_no_other() -> None:
    held, permissions = DEFAULT.compile(["moderator"], [])
    assert held == {"moderator", "user", "guest"}
    assert permissions.allow("users:write:own")  # as every user may
    assert not permissions.allow("users:write")
    assert DEFAULT.has_role(Role.ADMIN, Role.USER)
    assert DEFAULT.has_role(("guest", "admin"), "moderator")
    assert not DEFAULT.has_role("user", "moderator")
    assert not DEFAULT.has_role("admin", "unheard_of")


def test_roles_of_one_level_do_not_imply_each_other() -> None:
    roles = RoleSet({"sales": 50, "support": 50, "user": 10}, {"sales": ["deals:*"]})
    assert roles.compile(["support"])[0] == {"support", "user"}
    assert not roles.has_permission("support", "deals:read")
    assert roles.has_permission(["support", "sales"], "deals:read")
    assert roles.compile(["support", "sales"])[0] == {"support", "sales", "user"}


def test_own_permissions_are_added() -> None:
    assert DEFAULT.has_permission("guest", "reports:run", custom_permissions=["reports:*"])
    assert DEFAULT.has_permission((), "reports:run", custom_permissions=["reports:run"])
    assert not DEFAULT.has_permission("guest", "reports:run")


def test_inactive_accounts_have_nothing() -> None:
    assert not DEFAULT.has_permission("super_admin", "posts:read", is_active=False)
    assert not DEFAULT.has_role("super_admin", "super_admin", is_active=False)
    custom = ["posts:read"]
    assert not DEFAULT.has_permission(
        "guest", "posts:read", custom_permissions=custom, is_active=False
    )


def test_compiled_once_for_the_same_input() -> None:
    grants: Grants = DEFAULT.compile
    first = grants(["user", "guest"], ["a:b"])
    assert grants([Role.GUEST, Role.USER], ("a:b",)) is first
    assert all(type(role) is str for role in first[0])


def test_memory_is_bounded() -> None:
    roles = RoleSet()
    for number in range(MAX_COMPILED + 50):
        roles.compile(["user"], [f"a:{number}"])
    assert len(roles._compiled) == MAX_COMPILED


def test_the_unknown_grants_nothing_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    roles = RoleSet()
    hostile = "admin\nINFO root: all is well" + "x" * 500
    with caplog.at_level(logging.WARNING, "zenith.rbac"):
        for own in (["a b"], ["a b", "*x"], ["c:d"]):
            held, permissions = roles.compile([hostile], own)
            assert held == frozenset()
            assert list(permissions) == [text for text in own if text == "c:d"]
    assert len(caplog.records) == 3
    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert all(len(record.getMessage()) < 150 for record in caplog.records)


def test_reports_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    roles = RoleSet()
    roles.compile([f"role{number}" for number in range(MAX_REPORTED + 20)])
    assert len(caplog.records) == len(roles._reported) == MAX_REPORTED


@pytest.mark.parametrize(
    ("hierarchy", "permissions", "said"),
    [
        ({}, {}, "no roles"),
        ({"": 1}, {}, "no role"),
        ({"a\n": 1}, {}, "no role"),
        ({"user": "40"}, {}, "level of `user`"),
        ({"user": True}, {}, "level of `user`"),
        ({"user": 1.5}, {}, "level of `user`"),
        ({"user": 1}, {"usr": ["a:b"]}, "`usr` has no level"),
        ({"user": 1}, {"user": "posts:read"}, "text instead of a list"),
        ({"user": 1}, {"user": ["posts read"]}, "role `user`: `posts read` is no permission"),
        ({"user": 1}, {"user": ["*:read"]}, "no permission"),
    ],
)
def test_unsound_definitions_are_refused(hierarchy: Any, permissions: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        RoleSet(hierarchy, permissions)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("granter", "roles", "permissions", "may"),
    [
        (principal("super_admin"), ALL, ("*", "keys:rotate"), True),
        (principal("admin"), ["admin"], (), True),
        (principal("admin"), ["moderator", "guest"], ("users:*", "settings:read"), True),
        (principal("admin"), [Role.SUPER_ADMIN], (), False),
        (principal("admin"), ["user"], ("*",), False),
        (principal("admin"), ["user"], ("keys:rotate",), False),
        (principal("moderator"), ["user"], ("posts:write:own",), True),
        (principal("moderator"), [], ("users:*",), False),
        (principal("moderator"), [], ("users:read:own",), True),
        (principal("user"), [], ("posts:write",), False),
        (principal("user"), [], ("posts:*",), False),
        (principal(own=("reports:*",)), [], ("reports:own", "reports:a:b:*"), True),
        (principal("super_admin"), ["unheard_of"], (), False),
        (principal("super_admin"), [], ("not a permission",), False),
        (principal("super_admin"), [], ("users:*:read",), False),
        (principal("super_admin", scopes=frozenset({"users:write"})), ["guest"], (), False),
        (ANONYMOUS, [], (), False),
        (Principal(subject="ada", roles=frozenset({"admin"})), ["admin"], (), False),
        (Principal(subject="ada", permissions=principal("admin").permissions), ["user"], (), False),
    ],
)
def test_nobody_grants_what_they_do_not_hold(
    granter: Principal, roles: list[str], permissions: tuple[str, ...], *, may: bool
) -> None:
    assert can_grant(granter, roles, DEFAULT, permissions=permissions) is may
