from __future__ import annotations

import pytest

from tests.accounts.application import ALICE, EMAIL, PASSWORD
from tests.accounts.fakes import World, principal
from tests.accounts.test_recent import account
from zenith.accounts import PAGE, LastAdministratorError
from zenith.kernel.errors import (
    AuthenticationError,
    ConflictError,
    PermissionDeniedError,
    ServiceUnavailableError,
)
from zenith.kernel.events import EventType

ROOT = principal("root")


@pytest.fixture
async def world():
    world = World()
    await world.accounts.create(account("root", roles=("super_admin",)))
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    world.account = await world.accounts.by_email(EMAIL)
    world.pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    world.events.recorded.clear()
    world.time.now += 1
    return world


async def lock(world, who=ROOT, target=None):
    return await world.administration.lock(who, target or world.account.id, client=ALICE)


async def test_a_lock_ends_all_that_the_account_holds(world):
    assert await lock(world)
    assert not await world.holds(world.pair.access_token)
    assert await world.sessions.list(world.account.id) == []
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(world.pair.refresh_token, client=ALICE)
    (event,) = world.events.recorded
    assert (event.type, event.subject, event.target) == (
        EventType.ACCOUNT_LOCKED,
        "root",
        world.account.id,
    )
    assert not await lock(world)


async def test_a_lock_that_failed_half_way_can_be_repeated(world, monkeypatch):
    async def fail(*args, **more):
        raise ServiceUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(world.revocation_store, "add", fail)
        with pytest.raises(ServiceUnavailableError):
            await lock(world)
    assert not await lock(world)
    assert not await world.holds(world.pair.access_token)
    assert await world.sessions.list(world.account.id) == []


async def test_what_was_ended_stays_ended_after_the_unlock(world):
    await lock(world)
    assert await world.administration.unlock(ROOT, world.account.id, client=ALICE)
    assert world.events.types[-1] is EventType.ACCOUNT_UNLOCKED
    assert not await world.administration.unlock(ROOT, world.account.id, client=ALICE)
    assert not await world.holds(world.pair.access_token)
    world.time.now += 1
    pair = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    assert await world.holds(pair.access_token)


async def test_unknown_accounts_are_neither(world):
    assert not await lock(world, target="nobody")
    assert not await world.administration.unlock(ROOT, "nobody", client=ALICE)
    assert world.events.recorded == []


async def test_nobody_locks_themselves_out(world):
    with pytest.raises(ConflictError):
        await lock(world, principal("root"), "root")
    with pytest.raises(LastAdministratorError):
        await lock(world, principal("operator"), "root")


async def test_who_holds_less_reaches_less(world):
    moderator = principal("mod", roles=("moderator",))
    for change in (world.administration.lock, world.administration.unlock):
        with pytest.raises(PermissionDeniedError):
            await change(moderator, "root", client=ALICE)
    assert (await world.accounts.by_id("root")).is_active


async def test_pages_are_found_by_any_spelling(world):
    (found,) = await world.administration.page(search="ADA")
    assert found.email_key == EMAIL
    assert await world.administration.page(search="%") == []
    first, second = await world.administration.page()
    (rest,) = await world.administration.page(after=first.email_key)
    assert rest == second


async def test_a_page_holds_one_more_than_it_shows(world):
    for number in range(PAGE + 5):
        await world.accounts.create(account(f"n{number}"))
    assert len(await world.administration.page()) == PAGE + 1
