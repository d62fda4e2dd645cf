"""A hasher whose hashes cost next to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from zenith.passwords import PasswordHasher, PasswordSettings


@pytest.fixture
def cheap() -> PasswordSettings:
    return PasswordSettings(profile="testing", bcrypt_rounds=4, workers=1)


@pytest.fixture
async def hasher(cheap: PasswordSettings) -> AsyncIterator[PasswordHasher]:
    async with PasswordHasher(cheap) as made:
        yield made
