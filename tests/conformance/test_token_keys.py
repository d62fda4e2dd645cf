"""Every store of signing keys and of seen proofs keeps the contract of `zenith.tokens.store`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conformance.conftest import Place
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.keys import Secret
from zenith.stores.memory import MemoryKeyStore, MemoryProofStore
from zenith.stores.redis import RedisProofStore, connect_redis
from zenith.stores.settings import RedisSettings
from zenith.stores.sql import SqlKeyStore, SqlProofStore
from zenith.tokens.store import KeyStore, ProofStore, StoredKey


@pytest.fixture
def keys(place: Place) -> KeyStore:
    return MemoryKeyStore() if place.database is None else SqlKeyStore(place.database)


@pytest.fixture
def proofs(place: Place) -> ProofStore:
    return MemoryProofStore() if place.database is None else SqlProofStore(place.database)


def key(generation: int, kid: str = "") -> StoredKey:
    return StoredKey(
        generation=generation,
        kid=kid or f"k{generation}",
        algorithm="EdDSA",
        sealed="c2VhbGVk",
        created_at=1.5,
        signs_at=2.5,
    )


async def test_keys_come_back_in_their_order(keys: KeyStore) -> None:
    assert await keys.add(key(2))
    assert await keys.add(key(1))
    assert list(await keys.load()) == [key(1), key(2)]


async def test_a_generation_and_an_id_are_given_once(keys: KeyStore) -> None:
    assert await keys.add(key(1))
    assert not await keys.add(key(1, "other"))
    assert not await keys.add(key(2, "k1"))
    assert list(await keys.load()) == [key(1)]


async def test_of_many_that_plan_the_next_key_one_does(keys: KeyStore) -> None:
    added = await asyncio.gather(*(keys.add(key(1, f"kid-{number}")) for number in range(100)))
    assert added.count(True) == 1
    (kept,) = await keys.load()
    assert kept.kid == f"kid-{added.index(True)}"


async def test_a_key_is_retired_and_never_later(keys: KeyStore) -> None:
    await keys.add(key(1))
    assert await keys.retire("k1", at=10.0)
    assert not await keys.retire("k1", at=11.0)
    assert await keys.retire("k1", at=9.0)
    assert not await keys.retire("unknown", at=9.0)
    (kept,) = await keys.load()
    assert kept.retired_at == 9.0


async def test_old_generations_are_pruned(keys: KeyStore) -> None:
    for generation in (1, 2, 3):
        await keys.add(key(generation))
    assert await keys.prune(before=3) == 2
    assert await keys.prune(before=3) == 0
    assert [each.generation for each in await keys.load()] == [3]


async def test_a_proof_is_claimed_once(proofs: ProofStore) -> None:
    assert await proofs.claim("d", now=0.0, expires_at=10.0)
    assert not await proofs.claim("d", now=9.9, expires_at=19.9)
    assert await proofs.claim("other", now=0.0, expires_at=10.0)
    assert await proofs.claim("d", now=10.0, expires_at=20.0), "its time was over"
    assert not await proofs.claim("d", now=10.0, expires_at=20.0)


async def test_of_many_that_show_one_proof_one_does(proofs: ProofStore) -> None:
    claims = (proofs.claim("d", now=0.0, expires_at=10.0) for _ in range(200))
    assert (await asyncio.gather(*claims)).count(True) == 1


async def test_expired_proofs_are_pruned(proofs: ProofStore) -> None:
    for number in range(6):
        await proofs.claim(f"d{number}", now=0.0, expires_at=float(number))
    assert await proofs.prune(now=3.0) >= 1
    assert await proofs.prune(now=3.0) == 0
    assert not await proofs.claim("d5", now=3.0, expires_at=9.0)


@pytest.fixture(params=["redis_url", "redis_cluster_url"])
async def redis_proofs(request: pytest.FixtureRequest) -> AsyncIterator[RedisProofStore]:
    url: str = request.getfixturevalue(request.param)
    if "cluster" in request.param:
        url = url.replace("redis://", "redis+cluster://")
    client = connect_redis(RedisSettings(url=Secret(url)))
    yield RedisProofStore(client)
    await client.aclose()


async def test_redis_takes_a_proof_once(redis_proofs: RedisProofStore) -> None:
    assert await redis_proofs.claim("first", now=0.0, expires_at=60.0)
    claims = (redis_proofs.claim("d", now=0.0, expires_at=60.0) for _ in range(20))
    assert (await asyncio.gather(*claims)).count(True) == 1
    assert await redis_proofs.claim("other", now=0.0, expires_at=60.0)
    assert await redis_proofs.prune(now=0.0) == 0


async def test_without_redis_nothing_is_known() -> None:
    client = connect_redis(RedisSettings(url=Secret("redis://127.0.0.1:1/0")))
    with pytest.raises(ServiceUnavailableError):
        await RedisProofStore(client).claim("d", now=0.0, expires_at=60.0)
    await client.aclose()


async def test_memory_refuses_what_it_cannot_remember() -> None:
    store = MemoryProofStore(max_entries=2)
    assert await store.claim("a", now=0.0, expires_at=10.0)
    assert await store.claim("b", now=0.0, expires_at=10.0)
    with pytest.raises(ServiceUnavailableError):
        await store.claim("c", now=0.0, expires_at=10.0)
    assert await store.claim("c", now=10.0, expires_at=20.0)
