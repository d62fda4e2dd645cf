from __future__ import annotations

import pytest

from tests.accounts.fakes import World
from zenith.accounts import AccountSettings, Client
from zenith.kernel.errors import RateLimitError

EMAIL = "ada@example.org"


def at(number, device=""):
    return Client(address=f"198.51.100.{number}", device=device)


@pytest.fixture
def limits():
    return World(settings=AccountSettings(sign_in_limit="3/minute", register_limit="2/minute"))


async def refused(attempt):
    try:
        await attempt
    except RateLimitError as error:
        return error.reason
    return ""


async def test_attempts_count_per_address(limits):
    for number in range(3):
        await limits.limits.admit_sign_in(at(1), f"{number}@example.org")
    assert "sign-in:address" in await refused(limits.limits.admit_sign_in(at(1), "x@example.org"))
    assert not await refused(limits.limits.admit_sign_in(at(2), "x@example.org"))


async def test_attempts_count_per_account(limits):
    for number in range(3):
        await limits.limits.admit_sign_in(at(number), EMAIL)
    assert "sign-in:account" in await refused(limits.limits.admit_sign_in(at(9), EMAIL))
    limits.pass_time(120)
    assert not await refused(limits.limits.admit_sign_in(at(9), EMAIL))


async def test_what_is_no_address_counts_for_its_sender(limits):
    for _ in range(3):
        await limits.limits.admit_sign_in(at(1), "")
    assert await refused(limits.limits.admit_sign_in(at(1), ""))
    assert not await refused(limits.limits.admit_sign_in(at(2), ""))


async def test_a_known_device_counts_for_itself_alone(limits):
    known = limits.devices.issue(EMAIL)
    for _ in range(3):
        await limits.limits.admit_sign_in(at(1), EMAIL)
    assert await refused(limits.limits.admit_sign_in(at(1), EMAIL))
    for _ in range(3):
        assert not await refused(limits.limits.admit_sign_in(at(1, known), EMAIL))
    assert "sign-in:device" in await refused(limits.limits.admit_sign_in(at(1, known), EMAIL))


async def test_a_device_of_one_account_is_a_stranger_to_others(limits):
    known = limits.devices.issue("mallory@example.org")
    for _ in range(3):
        await limits.limits.admit_sign_in(at(1, known), EMAIL)
    assert await refused(limits.limits.admit_sign_in(at(1, known), EMAIL))


async def test_other_proofs_have_counters_of_their_own(limits):
    for _ in range(3):
        await limits.limits.admit_password_check(at(1), "a")
    assert "password:" in await refused(limits.limits.admit_password_check(at(1), "a"))
    await limits.limits.admit_sign_in(at(1), EMAIL)
    for _ in range(2):
        await limits.limits.admit_registration(at(1))
    assert "register:address" in await refused(limits.limits.admit_registration(at(1)))
