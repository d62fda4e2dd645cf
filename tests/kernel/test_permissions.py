from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import MAX_REMEMBERED, NO_PERMISSIONS, Permissions, check_permission


@pytest.mark.parametrize("text", ["read", "users:read", "a:b:c:own", "a_b.c-d:E1"])
def test_permissions(text):
    assert check_permission(text) == text
    assert check_permission(text, pattern=True) == text


@pytest.mark.parametrize("text", ["*", "users:*", "a:b:*"])
def test_patterns_are_granted_and_never_asked_for(text):
    assert check_permission(text, pattern=True) == text
    with pytest.raises(ConfigurationError):
        check_permission(text)


@pytest.mark.parametrize(
    "text",
    ["", ":", "a:", ":a", "a::b", "a b", "*:read", "a:*:b", "a*", "**", "a:**", "ä:b", "a\n"],
)
def test_what_is_no_permission_refuses_the_start(text):
    for pattern in (True, False):
        with pytest.raises(ConfigurationError):
            check_permission(text, pattern=pattern)
    with pytest.raises(ConfigurationError):
        Permissions([text])


@pytest.mark.parametrize(
    ("granted", "asked", "allowed"),
    [
        ([], "a:b", False),
        (["a:b"], "a:b", True),
        (["a:b"], "a:b:c", False),
        (["a:b"], "a", False),
        (["a:b"], "A:b", False),
        (["a:b:own"], "a:b", False),
        (["a:*"], "a:b", True),
        (["a:*"], "a:b:c", True),
        (["a:*"], "a", False),
        (["a:*"], "ab:c", False),
        (["a:b:*"], "a:c:d", False),
        (["*"], "anything:at:all", True),
    ],
)
def test_what_is_allowed(granted, asked, allowed):
    assert Permissions(granted).allow(asked) is allowed


def test_own_grants_are_for_owned_resources():
    own = Permissions(["posts:write:own"])
    assert own.allow_own("posts:write")
    assert not own.allow("posts:write")
    assert not own.allow_own("posts:delete")
    assert Permissions(["posts:*"]).allow_own("posts:write")


def test_sets_of_permissions():
    both = Permissions(["b:c", "a:*", "*", "b:c"])
    assert list(both) == ["*", "b:c", "a:*"]
    assert both == Permissions(["*", "a:*", "b:c"])
    assert both != NO_PERMISSIONS
    assert both != ["*", "b:c", "a:*"]
    assert hash(both) == hash(Permissions(["*", "a:*", "b:c"]))
    assert repr(Permissions(["a"])) == "Permissions(['a'])"
    assert not list(NO_PERMISSIONS)
    with pytest.raises(AttributeError):
        both.extra = 1


def test_what_was_answered_is_remembered_within_bounds() -> None:
    permissions = Permissions(["users:*", "posts:read"])
    for _ in range(2):
        assert permissions.allow("users:a:b")
        assert not permissions.allow("posts:write")
    for number in range(MAX_REMEMBERED + 50):
        assert permissions.allow(f"users:{number}")
        assert not permissions.allow(f"posts:{number}")
    assert len(permissions._remembered) == MAX_REMEMBERED
    assert permissions.allow("users:a:b")


def test_what_is_narrowed_grants_what_both_grant() -> None:
    held = Permissions(["posts:*", "users:read", "notes:write:own"])
    scopes = ["posts:read", "users:*", "notes:write", "openid", "https://example.org/x", "a:*:b"]
    assert list(held.narrowed(scopes)) == ["notes:write:own", "posts:read", "users:read"]
    assert list(Permissions(["*"]).narrowed(["posts:*", "x y"])) == ["posts:*"]
    assert list(held.narrowed(["*"])) == list(held)
    assert list(held.narrowed([])) == []
