"""Every one-time store keeps the contract of `zenith.accounts.store`."""

from __future__ import annotations

import pytest

from zenith.accounts.store import OneTimeStore
from zenith.kernel.errors import ConflictError


async def put(
    store: OneTimeStore,
    digest: str,
    *,
    purpose: str = "reset",
    subject: str = "ada",
    expires_at: float = 100.0,
) -> None:
    await store.put(digest, purpose=purpose, subject=subject, now=0.0, expires_at=expires_at)


async def test_a_secret_is_used_once(one_time: OneTimeStore) -> None:
    await put(one_time, "d1")
    assert await one_time.check("d1", purpose="reset", now=50.0) == "ada"
    assert await one_time.check("d1", purpose="reset", now=50.0) == "ada"
    assert await one_time.consume("d1", purpose="reset", now=50.0) == "ada"
    assert await one_time.consume("d1", purpose="reset", now=50.0) is None
    assert await one_time.check("d1", purpose="reset", now=50.0) is None


async def test_a_secret_serves_its_purpose_only(one_time: OneTimeStore) -> None:
    await put(one_time, "d1", purpose="verify")
    assert await one_time.consume("d1", purpose="reset", now=50.0) is None
    assert await one_time.check("d1", purpose="reset", now=50.0) is None
    assert await one_time.consume("unknown", purpose="verify", now=50.0) is None
    assert await one_time.consume("d1", purpose="verify", now=50.0) == "ada"


async def test_a_secret_ends_at_its_time(one_time: OneTimeStore) -> None:
    await put(one_time, "d1", expires_at=100.0)
    assert await one_time.check("d1", purpose="reset", now=100.0) is None
    assert await one_time.consume("d1", purpose="reset", now=100.0) is None
    assert await one_time.consume("d1", purpose="reset", now=99.9) == "ada"


async def test_a_new_secret_replaces_the_old_one(one_time: OneTimeStore) -> None:
    await put(one_time, "d1")
    await put(one_time, "d2", expires_at=200.0)
    await put(one_time, "d3", subject="ben")
    await put(one_time, "d4", purpose="verify")
    assert await one_time.consume("d1", purpose="reset", now=50.0) is None
    assert await one_time.consume("d2", purpose="reset", now=150.0) == "ada"
    assert await one_time.consume("d3", purpose="reset", now=50.0) == "ben"
    assert await one_time.consume("d4", purpose="verify", now=50.0) == "ada"


async def test_the_same_secret_again_lasts_longer(one_time: OneTimeStore) -> None:
    await put(one_time, "d1", expires_at=100.0)
    await put(one_time, "d1", expires_at=200.0)
    assert await one_time.consume("d1", purpose="reset", now=150.0) == "ada"


async def test_a_digest_belongs_to_one_subject(one_time: OneTimeStore) -> None:
    await put(one_time, "d1")
    with pytest.raises(ConflictError):
        await put(one_time, "d1", subject="eve")
    assert await one_time.consume("d1", purpose="reset", now=50.0) == "ada"


async def test_expired_secrets_are_pruned(one_time: OneTimeStore) -> None:
    await put(one_time, "d1", expires_at=10.0)
    await put(one_time, "d2", subject="ben", expires_at=20.0)
    await put(one_time, "d3", subject="eve", expires_at=30.0)
    assert await one_time.prune(now=20.0) == 2
    assert await one_time.prune(now=20.0) == 0
    assert await one_time.consume("d3", purpose="reset", now=5.0) == "eve"
