"""Roles that change while people are signed in: one process, then several."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.accounts.application import ALICE
from tests.accounts.office import Office
from zenith.accounts import LastAdministratorError
from zenith.accounts.role_administration.definitions import ATTEMPTS
from zenith.authentication import acting_in
from zenith.kernel.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ServiceUnavailableError,
    ValidationError,
)
from zenith.kernel.events import EventType
from zenith.rbac import RoleDefinition


@pytest.fixture
async def office():
    return Office()


@pytest.fixture
async def root(office):
    await office.hire("root", "super_admin")
    return "root"


async def test_a_change_counts_at_once_for_sessions_and_tokens(office, root):
    await office.hire("ada", "user")
    token = await office.token("ada")
    assert not (await office.by_token(token)).has_permission("files:read")
    changed = await office.change(root, "user", permissions=["files:read"])
    assert (changed.changed_by, changed.changed_at) == ("root", office.now)
    assert (await office.by_token(token)).has_permission("files:read")
    assert (await office.who("ada")).has_permission("files:read")
    assert not (await office.who("ada")).permissions.allow_own("posts:write")
    await office.delete(root, "user")
    assert not (await office.by_token(token)).has_permission("files:read")
    assert (await office.who("ada")).permissions.allow_own("posts:write")


async def test_other_processes_see_it_within_a_second(office, root):
    other = Office(office)
    await office.hire("ada", "user")
    token = await office.token("ada")
    assert not (await other.by_token(token)).has_permission("files:read")
    await office.change(root, "user", permissions=["files:read"])
    assert not (await other.who("ada")).has_permission("files:read")
    office.world.steady.now += 1.0
    assert (await other.by_token(token)).has_permission("files:read")
    assert (await other.who("ada")).has_permission("files:read")


async def test_they_see_it_at_once_where_they_are_told(office, root):
    told = []

    class Channel:
        async def publish(self, revocations):
            told.append(revocations)

        async def listen(self, receive):
            await asyncio.Event().wait()

    office.world.revocations._channel = Channel()
    other = Office(office)
    await office.hire("ada", "user")
    assert not (await other.who("ada")).has_permission("files:read")
    token = await office.token("ada")
    assert not (await other.by_token(token)).has_permission("files:read")
    await office.change(root, "user", permissions=["files:read"])
    (message,) = told
    assert [each.kind for each in message] == ["roles"]
    other.world.revocations._apply(message)
    assert not other.world.revocations.is_fresh
    assert (await other.by_token(token)).has_permission("files:read")
    assert (await other.who("ada")).has_permission("files:read")


async def test_a_store_that_does_not_answer_leaves_nobody_with_old_rights(
    office, root, monkeypatch
):
    await office.hire("ada", "admin")
    token = await office.token("ada")

    async def away():
        raise ServiceUnavailableError

    monkeypatch.setattr(office.world.role_store, "version", away)
    office.world.pass_time(1.0)
    with pytest.raises(ServiceUnavailableError):
        await office.by_token(token)


async def test_a_role_ends_by_itself_also_within_a_token(office, root):
    await office.hire("ada", "user")
    await office.grant(root, "ada", "moderator", expires_at=office.now + 60.5)
    token = await office.token("ada")
    office.world.pass_time(60.0)
    held = await office.by_token(token)
    assert held.roles == {"moderator", "user", "guest"}
    assert held.has_permission("posts:delete")
    assert (await office.who("ada")).has_permission("posts:delete")
    office.world.pass_time(0.5)
    left = await office.by_token(token)
    assert left.roles == {"user", "guest"}
    assert not left.has_permission("posts:delete")
    office.world.pass_time(0.5)
    assert not (await office.who("ada")).has_permission("posts:delete")
    assert [each.role for each in await office.world.assignments.of_account("ada")] == ["user"]
    assert (await office.by_token(await office.token("ada"))).roles == {"user", "guest"}


async def test_of_two_ends_the_later_counts_and_no_end_above_all(office, root):
    await office.hire("ada")
    for end, tenant in ((office.now + 10, "*"), (office.now + 20, "acme")):
        await office.grant(root, "ada", "user", expires_at=end, tenant=tenant)
    subject = await office.world.subjects.find("ada", "acme")
    assert subject.ending_roles == {"user": office.now + 20}
    office.world.pass_time(0.1)
    await office.grant(root, "ada", "user", tenant="acme")
    subject = await office.world.subjects.find("ada", "acme")
    assert (subject.held_roles, subject.ending_roles) == (("user",), {})


async def test_a_role_of_a_tenant_counts_there_and_nowhere_else(office, root):
    ada = await office.hire("ada", "user")
    assert await office.grant(root, "ada", "admin", tenant="acme")
    assert (await office.who("ada", "acme")).has_permission("users:delete")
    for place in (None, "other", "*", ""):
        assert not (await office.who("ada", place)).has_permission("users:delete")
    assert not (await office.by_token(await office.token("ada"))).has_permission("users:delete")
    there = acting_in(ada, await office.world.subjects.find("ada", "acme"))
    assert there.tenant == "acme"
    assert there.has_permission("users:delete")
    office.world.pass_time(0.1)
    assert await office.revoke(root, "ada", "admin", tenant="acme")
    assert not (await office.who("ada", "acme")).has_permission("users:delete")


@pytest.mark.parametrize(
    "other", [{"kind": "api_key"}, {"subject": "eve"}, {"scopes": frozenset({"a:b"})}]
)
async def test_only_a_whole_credential_of_the_same_person_acts_in_a_tenant(office, root, other):
    ada = await office.hire("ada", "user")
    subject = await office.world.subjects.find("ada", "acme")
    with pytest.raises(ValueError, match="only a person's own"):
        acting_in(replace(ada, **other), subject)


async def test_what_is_taken_away_ends_the_tokens_and_no_session(office, root):
    await office.hire("ada", "user", "moderator")
    token = await office.token("ada")
    office.world.pass_time(0.1)
    assert await office.revoke(root, "ada", "moderator")
    assert not await office.world.holds(token)
    assert len(await office.world.sessions.list("ada")) == 1
    assert (await office.who("ada")).roles == {"user", "guest"}
    assert not await office.revoke(root, "ada", "moderator")


async def test_every_change_is_recorded(office, root):
    await office.hire("ada", "user")
    await office.make(root, "editor", "posts:*")
    await office.change(root, "editor", permissions=["posts:read"], name="reader")
    assert await office.grant(root, "ada", "reader", tenant="acme", expires_at=office.now + 5)
    assert not await office.grant(root, "ada", "reader", tenant="acme", expires_at=office.now + 5)
    await office.revoke(root, "ada", "reader", tenant="acme")
    await office.world.assignments.set_permissions(
        await office.who("root"), "ada", ["x:y"], client=ALICE
    )
    await office.delete(root, "reader")
    events = office.world.events.recorded
    assert [(each.type, each.subject, each.target, each.reason) for each in events] == [
        (EventType.ROLE_CREATED, "root", "role editor", ""),
        (EventType.ROLE_CHANGED, "root", "role reader", ""),
        (EventType.ROLE_GRANTED, "root", "ada", "reader in acme until 1000005"),
        (EventType.ROLE_REVOKED, "root", "ada", "reader in acme"),
        (EventType.ROLES_CHANGED, "root", "ada", "permissions +x:y"),
        (EventType.ROLE_DELETED, "root", "role reader", ""),
    ]
    assert events[1].details["before"]["name"] == "editor"
    assert events[1].details["after"]["permissions"] == ["posts:read"]
    assert events[0].details["before"] is None


async def test_a_change_that_changes_nothing_is_none(office, root):
    await office.make(root, "editor", "posts:*", "a:b")
    office.world.events.recorded.clear()
    before = await office.change(root, "editor", permissions=["posts:*", "a:b", "a:b"])
    assert before.permissions == ("a:b", "posts:*")
    assert office.world.events.recorded == []


async def test_holders_follow_a_new_name_and_lose_a_deleted_role(office, root):
    await office.make(root, "editor", "files:write")
    await office.hire("ada", "user")
    await office.grant(root, "ada", "editor")
    token = await office.token("ada")
    office.world.pass_time(0.1)
    await office.change(root, "editor", name="writer", description="x")
    assert not await office.world.holds(token)
    assert "writer" in (await office.who("ada")).roles
    await office.delete(root, "writer")
    assert not (await office.who("ada")).has_permission("files:write")
    assert [each.role for each in await office.world.assignments.of_account("ada")] == ["user"]


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (lambda office, root: office.make(root, "user"), ConflictError),
        (lambda office, root: office.make(root, "x", inherits=("super_admin",)), ValidationError),
        (lambda office, root: office.make(root, "x", level=100), ValidationError),
        (lambda office, root: office.change(root, "nobody", level=1), NotFoundError),
        (lambda office, root: office.change(root, "super_admin", permissions=[]), ConflictError),
        (lambda office, root: office.change(root, "user", name="people"), ConflictError),
        (lambda office, root: office.change(root, "top", name="user"), ConflictError),
        (lambda office, root: office.change(root, "base", name="ground"), ConflictError),
        (lambda office, root: office.change(root, "base", inherits=["top"]), ValidationError),
        (lambda office, root: office.change(root, "base", inherits=["base"]), ValidationError),
        (lambda office, root: office.delete(root, "nobody"), NotFoundError),
        (lambda office, root: office.delete(root, "user"), ConflictError),
        (lambda office, root: office.delete(root, "super_admin"), ConflictError),
        (lambda office, root: office.delete(root, "base"), ConflictError),
        (lambda office, root: office.grant(root, "root", "user"), ConflictError),
        (lambda office, root: office.revoke(root, "root", "user"), ConflictError),
        (lambda office, root: office.grant(root, "nobody", "user"), NotFoundError),
        (lambda office, root: office.world.assignments.of_account("nobody"), NotFoundError),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(office, root, work, error):
    await office.make(root, "base", "a:b")
    await office.make(root, "top", "c:d", inherits=("base",))
    before = await office.world.role_store.load()
    with pytest.raises(error):
        await work(office, root)
    assert await office.world.role_store.load() == before


async def test_who_gives_up_after_many_others_were_first(office, root, monkeypatch):
    await office.hire("ada", "user")
    store, moved = office.world.role_store, 0

    async def outrun():
        nonlocal moved
        found = await load()
        moved += 1
        await put(RoleDefinition(name=f"r{moved}"), expected=found.version, fresh=True)
        return found

    await office.make(root, "editor")
    load, put = store.load, store.put
    monkeypatch.setattr(store, "load", outrun)
    for work in (
        office.make(root, "late"),
        office.change(root, "editor", permissions=["a:b"]),
        office.change(root, "editor", name="writer"),
        office.delete(root, "editor"),
        office.grant(root, "ada", "moderator"),
    ):
        with pytest.raises(ConflictError, match="same moment"):
            await work
    assert moved == 5 * ATTEMPTS


async def test_changes_at_the_same_time_all_count(office, root):
    """Eight administrators add one permission each to different roles, in two processes."""
    other = Office(office)
    names = [f"role{number}" for number in range(4)]
    await asyncio.gather(
        *(
            (office if number % 2 else other).make(root, name, f"p:{number}")
            for number, name in enumerate(names)
        )
    )
    book = await other.world.definitions.book()
    assert {name: book.definitions[name].permissions for name in names} == {
        name: (f"p:{number}",) for number, name in enumerate(names)
    }


async def test_two_changes_never_make_a_circle_together(office, root):
    await office.make(root, "a", "x:a")
    await office.make(root, "b", "x:b")
    results = await asyncio.gather(
        office.change(root, "a", inherits=["b"]),
        Office(office).change(root, "b", inherits=["a"]),
        return_exceptions=True,
    )
    assert sum(isinstance(each, ValidationError) for each in results) == 1


async def test_roles_change_while_requests_fly(office, root):
    """Each answer is that of the roles before a change or after it; never of half of one."""
    await office.hire("ada", "user", "pair")
    await office.make(root, "pair", "left:read", "right:read")
    await office.grant(root, "ada", "pair")
    other = Office(office)
    token = await office.token("ada")
    seen = set()

    async def ask(process):
        for _ in range(50):
            who = await process.by_token(token)
            seen.add((who.has_permission("left:read"), who.has_permission("right:read")))
            process.world.steady.now += 0.1
            await asyncio.sleep(0)

    async def edit():
        for number in range(20):
            both = ["left:read", "right:read"] if number % 2 else []
            await office.change(root, "pair", permissions=both)
            await asyncio.sleep(0)

    await asyncio.gather(ask(office), ask(other), ask(other), edit())
    assert seen == {(True, True), (False, False)}


async def test_the_last_administrator_stays(office, root):
    cli = replace(await office.who(root), subject="operator", kind="service", scheme="cli")
    with pytest.raises(LastAdministratorError):
        await office.revoke(cli, "root", "super_admin")
    await office.hire("ada", "user")
    # Neither a temporary administrator nor one of a tenant makes the last one dispensable.
    await office.grant(root, "ada", "super_admin", expires_at=office.now + 9)
    await office.grant(root, "ada", "super_admin", tenant="acme")
    with pytest.raises(LastAdministratorError):
        await office.revoke(cli, "root", "super_admin")
    await office.grant(root, "ada", "super_admin")
    assert await office.revoke(cli, "root", "super_admin")


async def test_an_end_cannot_be_put_to_what_is_held_for_good(office, root):
    await office.hire("ada", "user", "super_admin")
    with pytest.raises(ConflictError, match="for good"):
        await office.grant(root, "ada", "super_admin", expires_at=office.now + 9)


async def test_a_name_that_was_a_role_once_is_tidied_away_by_administrators(office, root):
    await office.hire("ada", "user", "forgotten")
    admin = await office.hire("admin", "admin")
    with pytest.raises(PermissionDeniedError):
        await office.revoke(admin, "ada", "forgotten")
    assert await office.revoke(root, "ada", "forgotten")


async def test_what_can_be_given(office, root):
    admin = await office.hire("admin", "admin")
    assert await office.world.assignments.grantable(admin) == [
        "admin",
        "guest",
        "moderator",
        "user",
    ]
    assert "super_admin" in await office.world.assignments.grantable(await office.who(root))


async def test_permissions_that_changed_meanwhile_are_not_overwritten(office, root, monkeypatch):
    await office.hire("ada", "user")
    flow = office.world.assignments
    assert not await flow.set_permissions(await office.who("root"), "nobody", [], client=ALICE)
    with pytest.raises(ConflictError):
        await flow.set_permissions(await office.who("root"), "root", [], client=ALICE)

    async def late(*args, **more):
        return False

    monkeypatch.setattr(office.world.accounts, "set_permissions", late)
    with pytest.raises(ConflictError):
        await flow.set_permissions(await office.who("root"), "ada", ["x:y"], client=ALICE)
