from __future__ import annotations

import pytest

from zenith.encryption import EncryptionService, Keyring
from zenith.kernel.keys import Secret

MASTER = "violet-Tractor-pond-ninety-0123456789-abcdef"
OTHER = "amber-Kettle-river-eleven-9876543210-fedcba"


@pytest.fixture
def service() -> EncryptionService:
    return EncryptionService(MASTER)


@pytest.fixture
def other() -> EncryptionService:
    return EncryptionService(OTHER)


@pytest.fixture
def ring() -> Keyring:
    return Keyring.from_secret(Secret(MASTER))
