"""Whatever the roles and permissions: compiling is a union, and granting never escalates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zenith.kernel.permissions import Permissions
from zenith.kernel.principal import Principal
from zenith.rbac import RoleSet, can_grant

NAMES = st.sampled_from("abcdef")
SEGMENTS = st.lists(st.sampled_from(["x", "y", "own"]), min_size=1, max_size=3)
TEXTS = SEGMENTS.map(":".join)
PATTERNS = TEXTS | SEGMENTS.map(lambda each: ":".join([*each, "*"])) | st.just("*")


@st.composite
def role_sets(draw: st.DrawFn) -> RoleSet:
    hierarchy = draw(st.dictionaries(NAMES, st.integers(0, 3), min_size=1))
    permissions = draw(
        st.dictionaries(st.sampled_from(sorted(hierarchy)), st.lists(PATTERNS, max_size=3))
    )
    return RoleSet(hierarchy, permissions)


ROLES = st.lists(NAMES | st.text(max_size=3), max_size=3)
OWN = st.lists(PATTERNS | st.text(max_size=4), max_size=3)


@given(role_sets(), ROLES, OWN, TEXTS)
def test_the_whole_allows_what_any_part_allows(
    roles: RoleSet, held: list[str], own: list[str], permission: str
) -> None:
    parts = [*((role, ()) for role in held), *(((), (text,)) for text in own)]
    expected = any(
        roles.has_permission(role, permission, custom_permissions=extra) for role, extra in parts
    )
    assert roles.has_permission(held, permission, custom_permissions=own) is expected


@given(role_sets(), NAMES, NAMES, TEXTS)
def test_a_role_that_implies_another_allows_as_much(
    roles: RoleSet, higher: str, lower: str, permission: str
) -> None:
    if roles.has_role(higher, lower) and roles.has_permission(lower, permission):
        assert roles.has_permission(higher, permission)
        assert roles.compile([lower])[0] <= roles.compile([higher])[0]


@given(role_sets(), ROLES, OWN, ROLES, OWN, TEXTS)
def test_granting_never_gives_more_than_the_granter_has(
    roles: RoleSet,
    mine: list[str],
    my_own: list[str],
    theirs: list[str],
    their_own: list[str],
    permission: str,
) -> None:
    held, permissions = roles.compile(mine, my_own)
    granter = Principal(subject="ada", roles=held, permissions=permissions)
    if can_grant(granter, theirs, roles, permissions=their_own):
        given_roles, given_permissions = roles.compile(theirs, their_own)
        assert given_roles <= held
        if given_permissions.allow(permission):
            assert permissions.allow(permission) or permissions.allow(
                permission.removesuffix(":own")
            )
        if given_permissions.allow_own(permission):
            assert permissions.allow_own(permission)


@given(role_sets(), ROLES, OWN)
def test_what_was_compiled_can_be_compiled_again(
    roles: RoleSet, held: list[str], own: list[str]
) -> None:
    first = roles.compile(held, own)
    assert roles.compile(first[0], first[1]) == first
    assert first[1] == Permissions(first[1])
