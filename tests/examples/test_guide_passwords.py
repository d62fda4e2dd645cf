"""The guides' passwords: Argon2id, bcrypt, the validator, the generator and `/register`."""

from __future__ import annotations

import asyncio

import pytest

from examples.guide.passwords import password_hasher, password_manager, validator
from tests.examples.conftest import PASSWORD
from zenith.passwords import (
    PasswordHasher,
    PasswordManager,
    PasswordRefusedError,
    PasswordSettings,
)


async def test_argon2id_at_the_guides_cost():
    """The guide hashes in the handler: one sign-in stalls every other request. It also imports two
    libraries for it, one of them (`passlib`) unmaintained."""
    async with password_hasher() as hasher:
        work = asyncio.create_task(hasher.hash(PASSWORD))
        turns = 0
        while not work.done():
            await asyncio.sleep(0.001)
            turns += 1
        hashed = await work
        assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert await hasher.verify(PASSWORD, hashed)
        assert not await hasher.verify("WrongPassword", hashed)
    assert turns > 3


def cheap_manager() -> PasswordManager:
    return PasswordManager(PasswordHasher(PasswordSettings(algorithm="bcrypt", bcrypt_rounds=4)))


async def test_bcrypt_hashes_and_verifies():
    """The guide uses the default executor, which is shared with everything else and unbounded in
    its queue: a flood of sign-ins stops file access and name look-ups."""
    manager = password_manager()
    hashed = await manager.hash_password(PASSWORD)
    assert hashed.startswith("$2b$12$")
    assert await manager.verify_password(PASSWORD, hashed)
    assert not await manager.verify_password("WrongPassword", hashed)
    await manager.aclose()


async def test_bcrypt_takes_all_of_a_long_password():
    """bcrypt sees 72 bytes: old releases ignore the rest, new ones raise, which is a 500 in the
    guide. And a NUL ends the password early in some."""
    manager = cheap_manager()
    long = "x" * 72
    hashed = await manager.hash_password(long + "right")
    assert await manager.verify_password(long + "right", hashed)
    assert not await manager.verify_password(long + "wrong", hashed)
    with pytest.raises(PasswordRefusedError):
        await manager.hash_password("x" * 2_000)
    await manager.aclose()


async def test_a_hash_of_one_kind_is_verified_and_renewed_by_the_other():
    """Two guides, two algorithms, no way from one to the other."""
    manager = cheap_manager()
    old = await manager.hash_password(PASSWORD)
    async with PasswordHasher(PasswordSettings(profile="testing")) as hasher:
        verification, renewed = await hasher.verify_and_update(PASSWORD, old)
    assert verification.ok
    assert renewed is not None
    assert renewed.startswith("$argon2id$")
    await manager.aclose()


@pytest.mark.parametrize(
    "password",
    ["Short-1x", "all-lower-case-90", "ALL-UPPER-CASE-90", "No-Digits-Here-At-All", "NoSpecial90x"],
)
def test_the_validator_asks_what_the_guide_asks(password):
    """Twelve characters of four kinds, 50 bits."""
    is_valid, errors = validator.validate(password)
    assert not is_valid
    assert errors


def test_a_well_mixed_common_password_is_refused_all_the_same():
    """The guide's estimate counts kinds of characters, so `Password123!` passes with 79 bits; its
    list is a file beside the working directory, without which the application does not start."""
    is_valid, errors = validator.validate("Password123!")
    assert not is_valid
    assert any("easy to guess" in error or "common" in error for error in errors)
    assert validator.validate(PASSWORD) == (True, [])


def test_a_generated_password_passes_and_has_every_kind():
    """The guide places one of each kind first and shuffles: not every password is equally likely,
    and a length below four gives four."""
    made = {validator.generate_strong_password() for _ in range(50)}
    assert len(made) == 50
    assert all(validator.validate(password) == (True, []) for password in made)
    assert {len(password) for password in made} == {16}


async def test_registration_says_what_to_improve(guide):
    """The guide's ValidationError is not one that its framework knows."""
    body = {"email": "ada@example.org", "password": "short"}
    answer = await guide.client.post("/register", json=body, headers=await guide.csrf())
    assert answer.status_code == 422
    assert "Use at least 12 characters" in answer.json()["detail"]
    assert "short" not in answer.text.replace("too_short", "")


async def test_registration_does_not_tell_who_is_registered(guide):
    """In the guide the second registration of an e-mail breaks the unique column: a 500, by which
    anybody can ask who has an account."""
    first, second = await guide.register(), await guide.register()
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 201
    assert (await guide.log_in()).status_code == 200
