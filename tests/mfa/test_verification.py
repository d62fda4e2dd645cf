"""Which second factor is due, and its proof."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.accounts.application import ALICE, EMAIL, KEY, PASSWORD
from tests.mfa.authenticator import Authenticator
from tests.mfa.world import FORMER, FactorWorld
from zenith.accounts import InvalidFactorError
from zenith.kernel.errors import NotFoundError, RateLimitError
from zenith.mfa import FactorProof


@pytest.fixture
async def world():
    return FactorWorld(keys=(FORMER,))


async def prove(world, kind, proof, *, client=ALICE):
    return await world.verification.verify(
        world.account, kind, proof, client=client, binding=world.account.id
    )


async def test_what_cannot_be_verified_here_proves_nothing(world):
    await world.join()
    for kind, reason in (("totp", "no authenticator app"), ("smoke", "cannot be verified here")):
        with pytest.raises(InvalidFactorError) as caught:
            await prove(world, kind, "000000")
        assert reason in caught.value.reason


async def test_passkeys_that_were_turned_off_stay_due(world):
    device, owner = Authenticator(), await world.join()
    await world.add_passkey(owner, device)
    without = FactorWorld(world, keys=(FORMER,), passkeys=False)
    due = await without.sign_in.with_tokens(EMAIL, PASSWORD, client=ALICE)
    assert due.kinds == ("passkey", "recovery_code")
    with pytest.raises(InvalidFactorError) as caught:
        await without.sign_in.finish_tokens(due.challenge, "passkey", "{}", client=ALICE)
    assert "cannot be verified here" in caught.value.reason
    with pytest.raises(NotFoundError):
        without.passkey_sign_in.options("handle")
    with pytest.raises(NotFoundError):
        await without.enrolment.passkey_options(world.proven(owner, "passkey"))
    assert (world.passkey_sign_in.is_offered, without.passkey_sign_in.is_offered) == (True, False)


async def test_attempts_are_charged_before_a_code_is_looked_at():
    world = FactorWorld(attempt_limit="3/minute")
    secret, _ = await world.add_totp(await world.join())
    world.time.now += 60
    for _ in range(3):
        with pytest.raises(InvalidFactorError):
            await prove(world, "recovery_code", "wrong")
    with pytest.raises(RateLimitError):
        await prove(world, "totp", world.code(secret))


async def test_attempts_on_an_owners_device_count_for_it_alone():
    world = FactorWorld(attempt_limit="3/minute")
    secret, _ = await world.add_totp(await world.join())
    world.time.now += 60
    for _ in range(3):
        with pytest.raises(InvalidFactorError):
            await prove(world, "totp", "000000")
    known = replace(ALICE, device=world.base.devices.issue(world.account))
    proof = world.code(secret)
    assert await prove(world, "totp", proof, client=known) == {"totp": world.time()}


async def test_attempts_count_over_processes_and_restarts():
    """ASVS 6.3.1, 6.6.3."""
    world = FactorWorld(attempt_limit="3/minute")
    secret, _ = await world.add_totp(await world.join())
    world.time.now += 60

    async def attempt(number):
        process = FactorWorld(world, attempt_limit="3/minute")
        process.account = world.account
        with pytest.raises((InvalidFactorError, RateLimitError)) as caught:
            await prove(process, "totp", f"{number:06d}")
        return caught.type

    found = await asyncio.gather(*map(attempt, range(9)))
    assert sorted(found, key=str) == [InvalidFactorError] * 3 + [RateLimitError] * 6
    again = FactorWorld(world, attempt_limit="3/minute")
    again.account = world.account
    with pytest.raises(RateLimitError) as caught:
        await prove(again, "totp", world.code(secret))
    world.time.now += caught.value.retry_after
    assert await prove(again, "totp", world.code(secret)) == {"totp": world.time()}


async def test_a_factor_is_confirmed_once():
    world = FactorWorld()
    check = FactorProof("totp", store=world.store, verification=world.verification)
    owner = await world.join()
    assert not await check.is_held(world.account)
    secret, _ = await world.add_totp(owner)
    world.time.now += 60
    assert await check.is_held(world.account)
    assert await check.verify(world.account, world.code(secret), ALICE)
    assert not await check.verify(world.account, world.code(secret), ALICE)


async def test_a_proven_factor_or_a_trusted_device_is_enough():
    world = FactorWorld()
    await world.add_totp(await world.join())
    account, due = world.account, world.verification.due
    assert (await due(account, {"password": 1.0}, ALICE)).kinds == ("totp", "recovery_code")
    assert not (await due(account, {"passkey": 1.0}, ALICE)).kinds
    trusted = replace(ALICE, trust=await world.trusted.trust(account, ALICE))
    found = await due(account, {"password": 1.0}, trusted)
    assert (found.kinds, found.proven) == ((), {"trusted_device": world.time()})
    world.time.now += world.settings.trusted_device_lifetime
    assert (await due(account, {"password": 1.0}, trusted)).kinds


async def test_devices_are_trusted_only_while_the_settings_say_so(world):
    await world.join()
    trusted = replace(ALICE, trust=await world.trusted.trust(world.account, ALICE))
    assert await world.trusted.recognise(world.account, trusted)
    off = FactorWorld(world, trusted_device_lifetime=0).trusted
    assert (off.is_offered, world.trusted.is_offered) == (False, True)
    assert not await off.recognise(world.account, trusted)


async def test_a_secret_that_no_key_opens_admits_nobody(world):
    secret, _ = await world.add_totp(await world.join())
    other = FactorWorld(world, keys=(KEY,))
    other.account = world.account
    world.time.now += 60
    with pytest.raises(InvalidFactorError) as caught:
        await prove(other, "totp", world.code(secret))
    assert "is a key missing?" in caught.value.reason


async def test_a_secret_of_a_former_key_is_sealed_anew(world):
    secret, _ = await world.add_totp(await world.join())
    world.time.now += 60
    rotated = FactorWorld(world, keys=(KEY, FORMER))
    rotated.account = world.account
    assert await prove(rotated, "totp", world.code(secret)) == {"totp": world.time()}
    only_new = FactorWorld(world, keys=(KEY,))
    only_new.account = world.account
    world.time.now += 60
    assert await prove(only_new, "totp", world.code(secret)) == {"totp": world.time()}
