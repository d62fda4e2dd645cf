"""The attack: make the server hash without end, with huge passwords, many sign-ins or stored costs.

Hashing is slow and takes memory on purpose, so each hash that an attacker gets for the price of a
request is a step towards a server that answers nobody.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from zenith.kernel.errors import ServiceUnavailableError
from zenith.passwords import HashingPool, PasswordHasher, PasswordPolicy, PasswordSettings
from zenith.passwords.argon2id import Argon2id
from zenith.passwords.errors import PasswordRefusedError, UnusableHashError


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    made: list[bytes] = []
    monkeypatch.setattr(Argon2id, "hash", lambda self, secret: made.append(secret) or "")
    monkeypatch.setattr(Argon2id, "verify", lambda self, secret, _: made.append(secret) or False)
    return made


@pytest.mark.parametrize("password", ["x" * 1025, "x" * 10_000_000, "\u0958" * 1024])
def test_huge_passwords_cost_nothing(calls: list[bytes], password: str) -> None:
    hasher = PasswordHasher(PasswordSettings(profile="testing"))
    with pytest.raises(PasswordRefusedError):
        hasher.hash_sync(password)
    assert not hasher.verify_sync(password, "$argon2id$")
    assert not hasher.verify_sync(password, None)
    assert not PasswordPolicy.nist().check(password)
    assert calls == []


async def test_a_flood_is_refused_and_takes_no_memory() -> None:
    pool = HashingPool(workers=2, queue_size=8)
    go = threading.Event()
    results = [asyncio.create_task(pool.run(lambda: go.wait(10))) for _ in range(1_000)]
    await asyncio.sleep(0.05)
    refused = [task for task in results if task.done()]
    assert len(refused) == 1_000 - 10
    assert all(isinstance(task.exception(), ServiceUnavailableError) for task in refused)
    assert pool.outstanding == 10
    go.set()
    await asyncio.gather(*results, return_exceptions=True)
    await pool.aclose()


@pytest.mark.parametrize(
    "hashed",
    [
        "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=4000000,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA",
        "$2b$31$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe",
        "pbkdf2_sha256$900000000$salt$TXky+HtRYTYzEEvb+fVGzCRAZfojhp/uMqG9raTPRI0=",
        "$scrypt$ln=30,r=8,p=1$zVnrvTdmjBHCOGfsPSeEcA$ngxq6JgD9cM6KXkV+f0iA+eG+DUjXRqv3qPyDO6FHqo",
    ],
)
def test_a_planted_hash_cannot_set_its_own_price(hashed: str) -> None:
    with pytest.raises(UnusableHashError, match="costs more"):
        PasswordHasher().verify_sync("password", hashed)


def test_a_long_policy_check_is_bounded() -> None:
    """Quadratic work on an accepted length would block the event loop."""
    from zenith.passwords.entropy import MAX_CHARACTERS, _Estimate

    assert len(_Estimate("ab1" * 1000, None, {})._text) == MAX_CHARACTERS
    same = _Estimate("a" * 1000, None, {})
    same.bits()
    assert list(same._blocks) == ["a"]
