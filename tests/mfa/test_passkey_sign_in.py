"""Signing in with a passkey and nothing else, on engines alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.accounts.application import ALICE
from tests.mfa.authenticator import Authenticator
from tests.mfa.world import FactorWorld
from zenith.accounts import InvalidFactorError
from zenith.kernel.errors import RateLimitError, SecurityError
from zenith.kernel.events import EventType
from zenith.mfa import FactorExistsError, PasskeySignIn, TooManyPasskeysError, passkeys

HANDLE = "the browser's"


@pytest.fixture
async def world():
    world = FactorWorld()
    world.device = Authenticator()
    world.person = await world.add_passkey(await world.join(), world.device)
    world.events.recorded.clear()
    return world


def answer(world, handle=HANDLE, **lies):
    return json.dumps(world.device.get(world.passkey_sign_in.options(handle), **lies))


async def test_one_that_is_older_than_a_recovery_opens_nothing_alone(world):
    later = world.time() + 1
    assert await world.store.remove_since(world.account.id, later)
    with pytest.raises(InvalidFactorError):
        await world.passkey_sign_in.browser(answer(world), handle=HANDLE, client=ALICE)
    event = world.events.recorded[-1]
    assert (event.type, event.target) == (EventType.LOGIN_FAILED, world.account.id)


async def test_the_owner_gets_a_session_or_tokens(world):
    entered = await world.passkey_sign_in.browser(answer(world), handle=HANDLE, client=ALICE)
    assert entered.session.factors == {"passkey": world.time()}
    assert entered.account.id == world.account.id
    pair = await world.passkey_sign_in.tokens(answer(world), handle=HANDLE, client=ALICE)
    assert (await world.base.sessions.get(pair.session_id)).kind == "tokens"
    assert world.entrance.events.types == [EventType.LOGIN_SUCCESS] * 2


@pytest.mark.parametrize("gone", [True, False])
async def test_an_account_that_is_gone_or_locked_does_not_enter(world, gone):
    proof = answer(world)
    if gone:
        await world.accounts.delete(world.account.id, keep_one=None)
    else:
        await world.accounts.set_locked(world.account.id, world.time(), keep_one=None)
    with pytest.raises(InvalidFactorError) as caught:
        await world.passkey_sign_in.browser(proof, handle=HANDLE, client=ALICE)
    assert caught.value.reason == "account is locked or gone"
    (event,) = world.events.recorded
    assert (event.type, event.target) == (EventType.LOGIN_FAILED, world.account.id)


async def test_answers_are_limited_by_address(world):
    for _ in range(30):
        with pytest.raises(InvalidFactorError):
            await world.passkey_sign_in.tokens("{}", handle=HANDLE, client=ALICE)
    with pytest.raises(RateLimitError):
        await world.passkey_sign_in.tokens(answer(world), handle=HANDLE, client=ALICE)
    assert world.events.types == [EventType.LOGIN_FAILED] * 30 + [EventType.LOGIN_BLOCKED]
    other = replace(ALICE, address="203.0.113.9")
    await world.passkey_sign_in.tokens(answer(world), handle=HANDLE, client=other)


async def test_a_handle_of_strange_characters_is_no_owner(world):
    begun = world.passkey_sign_in.options(HANDLE)
    for strange in ("*", "\ud800", 7):
        proof = world.device.get(begun)
        proof["response"]["userHandle"] = strange
        with pytest.raises(InvalidFactorError):
            await world.passkey_sign_in.tokens(json.dumps(proof), handle=HANDLE, client=ALICE)
        begun = world.passkey_sign_in.options(HANDLE)


async def test_a_key_is_registered_once_and_only_so_many(world, monkeypatch):
    with pytest.raises(FactorExistsError, match="registered already"):
        await world.add_passkey(world.person, world.device)
    monkeypatch.setattr(passkeys, "MAX_PASSKEYS", 1)
    with pytest.raises(TooManyPasskeysError):
        await world.add_passkey(world.person, Authenticator())


async def test_an_authenticator_that_tells_no_transports_is_taken(world):
    device = Authenticator()
    world.time.now += 1
    made = device.create(await world.enrolment.passkey_options(world.person))
    del made["response"]["transports"]
    await world.enrolment.add_passkey(world.person, json.dumps(made), name="", client=ALICE)
    first, second = await world.store.passkeys_of(world.account.id)
    assert (first.transports, second.transports) == (("internal",), ())
    options = await world.passkeys.factor_options(world.account.id, "binding")
    assert ["transports" in each for each in options["allowCredentials"]] == [True, False]


@pytest.mark.parametrize("enter", [PasskeySignIn.browser, PasskeySignIn.tokens])
@pytest.mark.parametrize("end", ["removed", "taken back"])
async def test_one_that_ends_while_it_is_verified_leaves_no_session(world, end, enter):
    """The owner removes a thief's passkey, and ends all sign-ins, while the thief signs in."""
    sessions = world.entrance.sessions
    begin = sessions.start

    async def slow(*given, **more):
        if end == "removed":
            for passkey in await world.store.passkeys_of(world.account.id):
                await world.store.remove_passkey(world.account.id, passkey.id)
        else:
            await world.store.remove_since(world.account.id, world.time() + 1)
        await world.sign_in.end_all(world.account.id)
        return await begin(*given, **more)

    sessions.start = slow
    with pytest.raises(SecurityError):
        await enter(world.passkey_sign_in, answer(world), handle=HANDLE, client=ALICE)
    assert not await sessions.list(world.account.id)
