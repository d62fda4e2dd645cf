from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.fakes import World
from zenith.abuse import AbuseSettings, ProofRequiredError, solve
from zenith.accounts import Account, AccountSettings, Client
from zenith.kernel.errors import RateLimitError
from zenith.kernel.events import EventType

EMAIL = "ada@example.org"
ADA = Account(id="a", email=EMAIL, email_key=EMAIL, created_at=1.0)
QUICK = AbuseSettings(free_attempts=2, place_share=2, proof_after=3, lock_after=5, proof_numbers=10)


def at(number, device="", proof=""):
    return Client(address=f"198.51.100.{number}", device=device, proof=proof)


@pytest.fixture
def world():
    return World(
        settings=AccountSettings(sign_in_limit="3/minute", register_limit="2/minute"), abuse=QUICK
    )


async def refused(attempt):
    try:
        await attempt
    except RateLimitError as error:
        return error.reason
    return ""


async def test_attempts_count_per_address(world):
    for number in range(3):
        await world.limits.admit_sign_in(at(1), f"{number}@example.org", None)
    again = world.limits.admit_sign_in(at(1), "x@example.org", None)
    assert "sign-in:address" in await refused(again)
    assert not await refused(world.limits.admit_sign_in(at(2), "x@example.org", None))


async def test_failures_count_per_place_and_per_account(world):
    limits = world.limits
    for _ in range(2):
        await limits.admit_sign_in(at(1), EMAIL, ADA)
    assert await refused(limits.admit_sign_in(at(1), EMAIL, ADA)) == "attempts: delay"
    await limits.admit_sign_in(at(2), EMAIL, ADA)
    with pytest.raises(ProofRequiredError) as error:
        await limits.admit_sign_in(at(3), EMAIL, ADA)
    for number in (4, 5):
        proof = solve(error.value.challenge.as_json())
        await limits.admit_sign_in(at(number, proof=proof), EMAIL, ADA)
        with pytest.raises(RateLimitError) as error:
            await limits.admit_sign_in(at(number + 10), EMAIL, ADA)
    assert error.value.reason == "attempts: lock"
    assert await limits.locked_out([ADA]) == {"a": world.time() + 3600}
    assert await limits.locked_out([replace(ADA, email_key="b", id="b")]) == {}
    assert await limits.lift(ADA)
    assert not await limits.lift(ADA)
    assert await limits.locked_out([ADA]) == {}
    assert await limits.locked_out([]) == {}
    assert not await refused(limits.admit_sign_in(at(7), EMAIL, ADA))


async def test_the_owner_is_told_of_a_lock_once(world):
    limits = world.limits
    for number in range(5):
        proof = ""
        if number > 2:
            with pytest.raises(ProofRequiredError) as error:
                await limits.admit_sign_in(at(number), EMAIL, ADA)
            proof = solve(error.value.challenge.as_json())
        admission = await limits.admit_sign_in(at(number, proof=proof), EMAIL, ADA)
        await limits.failed(admission, at(number), ADA)
        await limits.failed(admission, at(number), None)
        assert len(world.told) == (number == 4)
    assert world.told == [ADA]
    # Recorded for an address without an account too, so that the answer takes as long.
    assert world.events.types == [EventType.LOCKOUT_BEGAN] * 2
    assert [event.target for event in world.events.recorded] == [ADA.id, None]


async def test_without_somebody_to_tell_the_lock_is_still_recorded():
    world = World(
        abuse=replace(QUICK, free_attempts=99, place_share=1, proof_after=2, lock_after=2)
    )
    world.limits._on_lock = None
    for number in range(2):
        admission = await world.limits.admit_sign_in(at(number), EMAIL, ADA)
        await world.limits.failed(admission, at(number), ADA)
    assert world.events.types == [EventType.LOCKOUT_BEGAN]


async def test_what_is_no_address_counts_for_its_sender(world):
    for _ in range(3):
        admission = await world.limits.admit_sign_in(at(1), "", None)
        assert admission is None
        await world.limits.succeeded(admission)
        await world.limits.failed(admission, at(1), None)
        await world.limits.undo(admission)
    assert await refused(world.limits.admit_sign_in(at(1), "", None))
    assert not await refused(world.limits.admit_sign_in(at(2), "", None))


async def test_a_known_device_counts_for_itself_alone(world):
    known = world.devices.issue(ADA)
    for number in range(2):
        await world.limits.admit_sign_in(at(number), EMAIL, ADA)
    for _ in range(3):
        world.pass_time(10)
        assert not await refused(world.limits.admit_sign_in(at(1, known), EMAIL, ADA))
    refusal = await refused(world.limits.admit_sign_in(at(1, known), EMAIL, ADA))
    assert "sign-in:device" in refusal


async def test_a_device_of_one_account_is_a_stranger_to_others(world):
    known = world.devices.issue(replace(ADA, id="mallory"))
    for _ in range(2):
        await world.limits.admit_sign_in(at(1, known), EMAIL, ADA)
    assert await refused(world.limits.admit_sign_in(at(1, known), EMAIL, ADA))


async def test_other_proofs_have_counters_of_their_own(world):
    limits = world.limits
    for number in range(3):
        await limits.admit_password_check(at(number), "a")
    assert "password:account" in await refused(limits.admit_password_check(at(7), "a"))
    for number in range(2):
        await limits.admit_password_check(at(8), f"{number}")
    await limits.admit_sign_in(at(1), EMAIL, ADA)
    for _ in range(2):
        await limits.admit_registration(at(1))
    assert "register:address" in await refused(limits.admit_registration(at(1)))


async def test_proofs_within_sessions_are_bounded_per_day(world):
    for number in range(60):
        await world.limits.admit_password_check(at(number % 7), "a")
        world.pass_time(50)
    assert "password:account" in await refused(world.limits.admit_password_check(at(9), "a"))
