from __future__ import annotations

from tests.accounts.fakes import World
from tests.accounts.test_recent import account
from zenith.accounts import AccountSubjects


async def test_a_subject_has_what_its_account_grants():
    world = World()
    await world.accounts.create(account(roles=("moderator",), permissions=("reports:read",)))
    subjects = AccountSubjects(world.accounts, world.roles.compile)
    subject = await subjects.find("a")
    assert subject is not None
    assert (subject.active, subject.held_roles) == (True, ("moderator",))
    assert subject.roles == {"moderator", "user", "guest"}
    assert subject.own_permissions == ("reports:read",)
    assert subject.permissions.allow("reports:read")
    assert subject.permissions.allow("posts:delete")


async def test_a_locked_account_grants_nothing():
    world = World()
    await world.accounts.create(account(roles=("admin",), locked_at=1.0))
    subject = await AccountSubjects(world.accounts, world.roles.compile).find("a")
    assert subject is not None
    assert (subject.active, subject.roles, list(subject.permissions)) == (False, frozenset(), [])


async def test_an_unknown_account_is_no_subject():
    world = World()
    assert await AccountSubjects(world.accounts, world.roles.compile).find("a") is None
