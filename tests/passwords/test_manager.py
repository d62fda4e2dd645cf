from __future__ import annotations

import pytest

from zenith.passwords import (
    PasswordHasher,
    PasswordManager,
    PasswordSettings,
    UnusableHashError,
)


async def test_bcrypt_by_default() -> None:
    manager = PasswordManager()
    hashed = await manager.hash_password("correct horse")
    assert hashed.startswith("$2b$12$")
    assert await manager.verify_password("correct horse", hashed) is True
    assert await manager.verify_password("wrong horse", hashed) is False
    await manager.aclose()


async def test_a_hasher_of_ones_own() -> None:
    hasher = PasswordHasher(PasswordSettings(algorithm="bcrypt", bcrypt_rounds=4))
    manager = PasswordManager(hasher)
    assert (await manager.hash_password("correct horse")).startswith("$2b$04$")
    with pytest.raises(UnusableHashError):
        await manager.verify_password("correct horse", "plain text")
    await manager.aclose()
