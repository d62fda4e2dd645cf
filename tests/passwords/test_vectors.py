"""Hashes that other programs made are verified and marked for renewal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zenith.passwords import PasswordHasher
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
