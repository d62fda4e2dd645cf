"""The attack: fail on purpose, from everywhere and without end, until the owner cannot sign in
(ASVS 6.3.1, the second half: lockout that locks out)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.accounts.application import EMAIL, OTHER_PASSWORD, PASSWORD
from tests.accounts.fakes import World
from zenith.abuse import AbuseSettings, ProofRequiredError, solve
from zenith.accounts import AccountSettings, Client, InvalidCredentialsError
from zenith.kernel.errors import RateLimitError, ServiceUnavailableError
from zenith.kernel.events import EventType

QUICK = AbuseSettings(place_share=2, proof_after=3, lock_after=6, proof_numbers=5)
OWNER = Client(address="192.0.2.1")


@pytest.fixture
async def world():
    world = World(abuse=QUICK, settings=AccountSettings(register_seconds=0))
    await world.registration.register(EMAIL, PASSWORD, client=OWNER)
    return world


async def fail(world, number, email=EMAIL):
    client = Client(address=f"198.51.{number // 250}.{number % 250}")
    try:
        await world.sign_in.verify(email, OTHER_PASSWORD, client=client)
    except ProofRequiredError as error:
        proof = solve(error.challenge.as_json())
        with pytest.raises((InvalidCredentialsError, RateLimitError)):
            await world.sign_in.verify(email, OTHER_PASSWORD, client=replace(client, proof=proof))
    except (InvalidCredentialsError, RateLimitError):
        pass


async def known_device(world):
    account = await world.accounts.by_email(EMAIL)
    return replace(OWNER, device=world.devices.issue(account))


async def test_the_owners_device_always_comes_in(world):
    device = await known_device(world)
    for number in range(300):
        await fail(world, number)
        if number % 10 == 0:
            world.pass_time(60)
            account = await world.sign_in.verify(EMAIL, PASSWORD, client=device)
            assert account.email == EMAIL
    with pytest.raises(RateLimitError):
        await world.sign_in.verify(EMAIL, PASSWORD, client=OWNER)
    assert len(world.told) == 1
    assert world.events.types.count(EventType.LOCKOUT_BEGAN) == 1


async def test_a_neighbour_behind_the_same_address_changes_nothing(world):
    device = await known_device(world)
    for _ in range(12):
        with pytest.raises((InvalidCredentialsError, RateLimitError)):
            await world.sign_in.verify(EMAIL, OTHER_PASSWORD, client=OWNER)
    assert await world.sign_in.verify(EMAIL, PASSWORD, client=device)


async def test_one_address_does_not_keep_other_new_devices_out(world):
    for _ in range(50):
        world.pass_time(30)
        await fail(world, 1)
    assert await world.sign_in.verify(EMAIL, PASSWORD, client=OWNER)


async def test_a_copied_device_is_a_stranger_after_the_password_changed(world):
    device = await known_device(world)
    account = await world.accounts.by_email(EMAIL)
    world.pass_time(1)
    hashed = await world.hasher.hash(PASSWORD)
    changed = await world.accounts.set_password(
        account.id, hashed, expected=account.password_hash, changed_at=world.time()
    )
    assert changed
    for number in range(40):
        await fail(world, number)
    with pytest.raises(RateLimitError):
        await world.sign_in.verify(EMAIL, PASSWORD, client=device)


async def test_an_account_that_is_not_there_answers_the_same(world):
    async def walk(email):
        answers = []
        for number in range(30):
            client = Client(address=f"203.0.113.{number % 8}")
            try:
                await world.sign_in.verify(email, OTHER_PASSWORD, client=client)
            except RateLimitError as error:
                answers.append((error.code, error.detail, round(error.retry_after)))
            except InvalidCredentialsError as error:
                answers.append((error.code, error.detail, 0))
        return answers

    known = await walk(EMAIL)
    world.pass_time(70)
    assert known == await walk("nobody@example.org")
    assert len(world.told) == 0
    for number in range(20):
        await fail(world, number, "nobody@example.org")
    assert world.told == []


async def test_what_was_never_looked_at_costs_no_attempt(world):
    async def full(password, stored):
        raise ServiceUnavailableError

    verify, world.sign_in._hasher.verify_and_update = world.sign_in._hasher.verify_and_update, full
    for _ in range(9):
        with pytest.raises(ServiceUnavailableError):
            await world.sign_in.verify(EMAIL, PASSWORD, client=OWNER)
    world.sign_in._hasher.verify_and_update = verify
    assert await world.sign_in.verify(EMAIL, PASSWORD, client=OWNER)


async def test_an_administrator_lets_all_devices_in_again(world):
    from tests.accounts.fakes import principal

    for number in range(20):
        await fail(world, number)
    account = await world.accounts.by_email(EMAIL)
    assert account.id in await world.administration.locked_out([account])
    root = principal("root")
    assert await world.administration.unlock(root, account.id, client=OWNER)
    assert not await world.administration.unlock(root, account.id, client=OWNER)
    assert world.events.types[-1] is EventType.LOCKOUT_LIFTED
    assert await world.administration.locked_out([account]) == {}
    assert await world.sign_in.verify(EMAIL, PASSWORD, client=OWNER)
