from __future__ import annotations

import pytest

from zenith.api_keys import MANAGE_OWN, KeyRequestError
from zenith.api_keys.scopes import MAX_SCOPES, holding, read_scopes
from zenith.kernel.permissions import Permissions


@pytest.mark.parametrize(
    ("held", "scopes", "left"),
    [
        (["*"], ["posts:read"], ["posts:read"]),
        (["posts:read"], ["*"], ["posts:read"]),
        (["posts:*"], ["posts:read", "users:read"], ["posts:read"]),
        (["posts:read"], ["posts:*"], ["posts:read"]),
        (["posts:*"], ["posts:drafts:*"], ["posts:drafts:*"]),
        (["posts:write:own"], ["posts:write"], ["posts:write:own"]),
        (["posts:write"], ["posts:write:own"], ["posts:write:own"]),
        (["posts:write:own"], ["posts:*"], ["posts:write:own"]),
        (["posts:read"], ["posts:write"], []),
        (["posts:read"], [], []),
        ([], ["*"], []),
    ],
)
def test_what_is_left_is_what_both_grant(
    held: list[str], scopes: list[str], left: list[str]
) -> None:
    assert list(Permissions(held).narrowed(scopes)) == left


def test_scopes_hold_as_long_as_the_owner_has_them() -> None:
    scopes = ("posts:write", "read:data", "posts:read", MANAGE_OWN)
    held = Permissions(["posts:read"])
    assert holding(scopes, held, {"read:data"}) == ("read:data", "posts:read", MANAGE_OWN)


def test_scopes_are_sorted_and_single() -> None:
    assert read_scopes(["b:x", "a:x", "b:x"]) == ("a:x", "b:x")


@pytest.mark.parametrize("text", ["", " ", "a b", "a::b", "*:a", "a:*:b", "é", "x" * 101])
def test_a_scope_is_words_joined_by_colons(text: str) -> None:
    with pytest.raises(KeyRequestError):
        read_scopes([text])


def test_there_are_not_too_many() -> None:
    with pytest.raises(KeyRequestError, match="at most"):
        read_scopes([f"a:{number}" for number in range(MAX_SCOPES + 1)])
