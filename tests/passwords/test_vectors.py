"""Hashes that other programs made are verified and marked for renewal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zenith.passwords import PasswordHasher, PasswordRefusedError, PasswordSettings
from zenith.passwords.bcrypt_hash import Bcrypt

FILE = Path(__file__).parent.parent / "vectors" / "password_hashes.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["maker"])
async def test_foreign_hash(hasher: PasswordHasher, vector: dict[str, str]) -> None:
    right = await hasher.verify(vector["password"], vector["hash"])
    assert right.ok
    assert right.needs_rehash
    assert hasher.needs_rehash(vector["hash"])
    wrong = await hasher.verify(vector["password"] + "x", vector["hash"])
    assert not wrong.ok
    assert not wrong.needs_rehash


@pytest.mark.parametrize("vector", VECTORS[:1], ids=lambda vector: vector["maker"])
async def test_migration_at_sign_in(hasher: PasswordHasher, vector: dict[str, str]) -> None:
    verification, renewed = await hasher.verify_and_update(vector["password"], vector["hash"])
    assert verification.ok
    assert renewed is not None
    assert renewed.startswith("$argon2id$")
    assert await hasher.verify_and_update(vector["password"], renewed) == (
        await hasher.verify(vector["password"], renewed),
        None,
    )


def test_old_prehash_of_passlib() -> None:
    hashed = "$bcrypt-sha256$2a,5$E/e/2AOhqM5W/KJTFQzLce$F6dYSxOdAEoJZO2eoHUZWZljW/e0TXO"
    algorithm = Bcrypt(rounds=5)
    assert algorithm.verify(b"", hashed)
    assert not algorithm.verify(b"x", hashed)
    assert algorithm.is_outdated(hashed)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["maker"])
def test_foreign_hash_in_the_calling_thread(hasher: PasswordHasher, vector: dict[str, str]) -> None:
    right = hasher.verify_sync(vector["password"], vector["hash"])
    assert (right.ok, right.needs_rehash) == (True, True)
    assert not hasher.verify_sync(vector["password"] + "x", vector["hash"]).ok


@pytest.mark.parametrize("algorithm", ["argon2id", "bcrypt"])
def test_own_hash_in_the_calling_thread(algorithm: str) -> None:
    hasher = PasswordHasher(
        PasswordSettings(algorithm=algorithm, profile="testing", bcrypt_rounds=4)
    )
    for password in ("violet tractor pond ninety", "x" * 100, "nu\0l", "cafe\u0301 au lait cafe"):
        stored = hasher.hash_sync(password)
        assert hasher.verify_sync(password, stored).ok
        assert hasher.verify_and_update_sync(password, stored)[1] is None
        assert not hasher.verify_sync(password + "x", stored).ok
    assert not hasher.verify_sync("violet tractor pond ninety", None).ok
    for refused in ("", "x" * 2000, "\ud800"):
        with pytest.raises(PasswordRefusedError):
            hasher.hash_sync(refused)
        assert not hasher.verify_sync(refused, stored).ok
