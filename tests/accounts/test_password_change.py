from __future__ import annotations

import pytest

from tests.accounts.application import ALICE, EMAIL, OTHER_PASSWORD, PASSWORD
from tests.accounts.fakes import World, principal
from zenith.accounts import AccountSettings, InvalidCredentialsError, WeakPasswordError
from zenith.kernel.errors import (
    AuthenticationError,
    ConflictError,
    RateLimitError,
    ServiceUnavailableError,
)
from zenith.kernel.events import EventType


@pytest.fixture
async def world():
    world = World(settings=AccountSettings(sign_in_limit="5/minute"))
    await world.registration.register(EMAIL, PASSWORD, client=ALICE)
    world.own = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    world.other = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    world.account = await world.accounts.by_email(EMAIL)
    world.who = principal(world.account.id, session_id=world.own.session_id)
    world.events.recorded.clear()
    return world


async def change(world, current=PASSWORD, new=OTHER_PASSWORD):
    await world.password_change.change(world.who, current, new, client=ALICE)


async def test_the_password_changes_and_all_others_are_signed_out(world):
    world.pass_time(1)
    await change(world)
    await world.sign_in.verify(EMAIL, OTHER_PASSWORD, client=ALICE)
    with pytest.raises(InvalidCredentialsError):
        await world.sign_in.verify(EMAIL, PASSWORD, client=ALICE)
    assert await world.holds(world.own.access_token)
    assert not await world.holds(world.other.access_token)
    with pytest.raises(AuthenticationError):
        await world.grants.rotate(world.other.refresh_token, client=ALICE)
    await world.grants.rotate(world.own.refresh_token, client=ALICE)
    assert world.events.types[0] is EventType.PASSWORD_CHANGED
    assert (await world.accounts.by_email(EMAIL)).password_changed_at == world.time()


async def test_a_wrong_present_password_changes_nothing_and_is_recorded(world):
    with pytest.raises(InvalidCredentialsError):
        await change(world, current=OTHER_PASSWORD)
    assert await world.holds(world.other.access_token)
    (event,) = world.events.recorded
    assert (event.type, event.outcome, event.severity) == (
        EventType.PASSWORD_CHANGED,
        "failure",
        "WARNING",
    )


async def test_a_stolen_session_cannot_guess_the_password(world):
    for _ in range(5):
        with pytest.raises(InvalidCredentialsError):
            await change(world, current="guess")
    with pytest.raises(RateLimitError):
        await change(world)


async def test_a_weak_new_password_is_refused(world):
    with pytest.raises(WeakPasswordError) as caught:
        await change(world, new="short")
    assert caught.value.errors[0]["loc"] == ["body", "new_password"]


async def test_a_change_elsewhere_was_first(world, monkeypatch):
    async def beaten(*args, **more):
        return False

    monkeypatch.setattr(world.accounts, "set_password", beaten)
    with pytest.raises(ConflictError):
        await change(world)


async def test_no_thief_stays_signed_in_where_a_step_fails(world, monkeypatch):
    store = world.accounts.set_password

    async def stored_and_lost(*args, **more):
        await store(*args, **more)
        raise ServiceUnavailableError

    monkeypatch.setattr(world.accounts, "set_password", stored_and_lost)
    with pytest.raises(ServiceUnavailableError):
        await change(world)
    assert not await world.holds(world.other.access_token)


async def test_who_signs_in_meanwhile_with_the_old_password_is_signed_out(world, monkeypatch):
    store = world.accounts.set_password

    async def late(*args, **more):
        monkeypatch.undo()
        world.thief = await world.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
        return await store(*args, **more)

    monkeypatch.setattr(world.accounts, "set_password", late)
    await change(world)
    assert not await world.holds(world.thief.access_token)


@pytest.mark.parametrize("state", ["gone", "locked", "without a password"])
async def test_only_open_accounts_with_a_password_have_one_to_change(world, state):
    account = world.accounts._accounts[world.account.id]
    from dataclasses import replace

    if state == "gone":
        world.accounts._accounts.clear()
    elif state == "locked":
        world.accounts._accounts[account.id] = replace(account, locked_at=1.0)
    else:
        world.accounts._accounts[account.id] = replace(account, password_hash=None)
    with pytest.raises(AuthenticationError):
        await change(world)
