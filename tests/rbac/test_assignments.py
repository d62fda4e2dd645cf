from __future__ import annotations

import pytest

from zenith.rbac import (
    LiveRoles,
    RbacSettings,
    RoleAssignment,
    RoleDefinition,
    StoredRoles,
    held_roles,
)


def of(role, tenant="*", end=None):
    return RoleAssignment(account_id="ada", role=role, tenant=tenant, expires_at=end)


@pytest.mark.parametrize(
    ("assignment", "tenant", "holds"),
    [
        (of("x"), None, True),
        (of("x"), "acme", True),
        (of("x", "acme"), "acme", True),
        (of("x", "acme"), "ACME", False),
        (of("x", "acme"), None, False),
        (of("x", "acme"), "*", False),
        (of("x", end=100.1), None, True),
        (of("x", end=100.0), None, False),
        (of("x", "acme", 99.0), "acme", False),
    ],
)
def test_where_and_when_an_assignment_counts(assignment, tenant, holds) -> None:
    assert assignment.holds(tenant=tenant, at=100.0) is holds
    assert held_roles((), [assignment], tenant=tenant, at=100.0).names == (("x",) * holds)


def test_only_what_is_held_everywhere_for_good_is_lasting() -> None:
    assert of("x").is_lasting
    assert not of("x", "acme").is_lasting
    assert not of("x", end=5.0).is_lasting


def test_what_is_held_in_all() -> None:
    held = held_roles(
        ("user", "editor"),
        [of("editor", end=200.0), of("guest", end=150.0), of("guest", "acme", 170.0)],
        tenant="acme",
        at=100.0,
    )
    assert held.lasting == ("user", "editor")
    assert held.ending == {"guest": 170.0}
    assert held.names == ("user", "editor", "guest")


class Store:
    def __init__(self):
        self.stored, self.loads = StoredRoles(version=0, definitions=()), 0

    async def version(self):
        return self.stored.version

    async def load(self):
        self.loads += 1
        return self.stored


async def test_live_roles_are_read_when_they_have_changed() -> None:
    store = Store()
    live = LiveRoles(RbacSettings(), store)
    assert live.current.has_role("admin", "user")
    assert not await live.refresh()  # what the code says is what was compiled already
    assert not await live.refresh()
    assert store.loads == 1
    row = RoleDefinition(name="user", permissions=("files:read",), level=40)
    store.stored = StoredRoles(version=1, definitions=(row,))
    assert await live.refresh()
    assert live.compile(["user"])[1].allow("files:read")
    assert (live.book.version, live.book.origins["user"]) == (1, "changed")
    late = LiveRoles(RbacSettings(), store)
    assert await late.refresh()
    assert late.current.has_permission("user", "files:read")


def test_a_role_set_is_its_own_present() -> None:
    roles = RbacSettings().role_set()
    assert roles.current is roles
