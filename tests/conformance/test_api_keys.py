"""API keys behave alike in every store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.conftest import Place
from zenith.accounts.store import Account
from zenith.api_keys import APIKey, APIKeyStore, KeyUse
from zenith.kernel.errors import ConflictError, ServiceUnavailableError
from zenith.kernel.keys import digest
from zenith.stores.memory import MemoryAPIKeyStore
from zenith.stores.sql import SqlAccountStore, SqlAPIKeyStore
from zenith.stores.sql.schema import accounts as accounts_table

NOW = 1_700_000_000.0


@pytest.fixture
async def store(place: Place) -> APIKeyStore:
    """The store; the accounts ada and bob are there."""
    if place.database is None:
        return MemoryAPIKeyStore()
    people = SqlAccountStore(place.database)
    for name in ("ada", "bob"):
        await people.create(Account(id=name, email=name, email_key=name, created_at=NOW))
    return SqlAPIKeyStore(place.database)


def a_key(number: int = 0, **values: Any) -> APIKey:
    given = {
        "id": f"id{number:04}",
        "name": "nightly export",
        "key_hash": digest(f"key{number}"),
        "prefix": f"zk_{number:012}",
        "scopes": ("posts:read", "read:data"),
        "owner_id": "ada",
        "rate_limit": 100,
        "created_at": NOW + number,
        "expires_at": NOW + 1000,
        **values,
    }
    return APIKey(**given)


async def test_what_is_stored_is_found(store: APIKeyStore) -> None:
    full = a_key(
        revoked_at=NOW + 1,
        replaced_by="other",
        last_used_at=NOW + 2,
        last_used_address="192.0.2.1",
        thumbprint="A" * 43,
        tenant="acme",
    )
    bare = a_key(1, owner_id=None, scopes=(), rate_limit=None, expires_at=None)
    for key in (full, bare):
        assert await store.create(key, now=NOW, most=5) == "created"
        assert await store.find(key.prefix) == key
        assert await store.get(key.id) == key
    assert await store.find("zk_unknown") is None
    assert await store.get("unknown") is None
    assert await store.of_owner("ada") == [full]
    assert await store.of_owner("bob") == []


async def test_ids_and_prefixes_are_unique(store: APIKeyStore) -> None:
    await store.create(a_key(), now=NOW, most=5)
    for twin in (a_key(1, id="id0000"), a_key(1, prefix="zk_000000000000")):
        with pytest.raises(ConflictError):
            await store.create(twin, now=NOW, most=5)


async def test_living_keys_are_counted(store: APIKeyStore) -> None:
    await store.create(a_key(0, revoked_at=NOW), now=NOW, most=2)
    await store.create(a_key(1, expires_at=NOW), now=NOW, most=2)
    await store.create(a_key(2, expires_at=None), now=NOW, most=2)
    assert await store.create(a_key(3), now=NOW, most=2) == "created"
    assert await store.create(a_key(4), now=NOW, most=2) == "full"
    assert await store.get("id0004") is None
    assert await store.create(a_key(5, owner_id="bob"), now=NOW, most=2) == "created"
    assert await store.create(a_key(6, owner_id=None), now=NOW, most=0) == "created"


async def test_pages_begin_with_the_newest(store: APIKeyStore) -> None:
    keys = [a_key(n, created_at=NOW + n // 2) for n in range(5)]
    for key in keys:
        await store.create(key, now=NOW, most=9)
    assert [key.id for key in await store.of_owner("ada")] == [k.id for k in reversed(keys)]
    first = await store.page(after=None, limit=2)
    assert [key.id for key in first] == ["id0004", "id0003"]
    rest = await store.page(after=(first[1].created_at, first[1].id), limit=9)
    assert [key.id for key in rest] == ["id0002", "id0001", "id0000"]


async def test_rotation_keeps_the_earlier_end(store: APIKeyStore) -> None:
    await store.create(a_key(0, expires_at=None), now=NOW, most=9)
    await store.create(a_key(1, expires_at=NOW + 10), now=NOW, most=9)
    for number, end in ((0, NOW + 60), (1, NOW + 10)):
        successor = a_key(number + 10)
        outcome = await store.rotate(f"id{number:04}", successor, now=NOW, until=NOW + 60, most=9)
        assert outcome == "rotated"
        old = await store.get(f"id{number:04}")
        assert old is not None
        assert (old.replaced_by, old.expires_at) == (successor.id, end)
        assert await store.get(successor.id) == successor


@pytest.mark.parametrize("state", [{"revoked_at": NOW}, {"expires_at": NOW}, {"replaced_by": "x"}])
async def test_only_current_keys_are_rotated(store: APIKeyStore, state: dict[str, Any]) -> None:
    await store.create(a_key(**state), now=NOW - 1, most=9)
    before = await store.get("id0000")
    for key_id, successor in (("id0000", a_key(1)), ("unknown", a_key(2))):
        assert await store.rotate(key_id, successor, now=NOW, until=NOW, most=9) == "gone"
    assert await store.get("id0000") == before
    assert await store.get("id0001") is None


async def test_a_successor_that_cannot_be_stored_changes_nothing(store: APIKeyStore) -> None:
    await store.create(a_key(0), now=NOW, most=9)
    await store.create(a_key(1), now=NOW, most=9)
    successor = a_key(2, prefix="zk_000000000001")
    with pytest.raises(ConflictError):
        await store.rotate("id0000", successor, now=NOW, until=NOW, most=9)
    assert await store.get("id0000") == a_key(0)


async def test_of_many_rotations_one_wins(store: APIKeyStore) -> None:
    await store.create(a_key(), now=NOW, most=9)
    tries = 100
    won = await asyncio.gather(
        *(
            store.rotate("id0000", a_key(n), now=NOW, until=NOW + 9, most=9)
            for n in range(1, tries + 1)
        )
    )
    assert won.count("rotated") == 1
    assert len(await store.of_owner("ada")) == 2


async def test_many_creations_do_not_pass_the_bound(store: APIKeyStore) -> None:
    outcomes = await asyncio.gather(*(store.create(a_key(n), now=NOW, most=3) for n in range(60)))
    assert outcomes.count("created") == 3
    assert len(await store.of_owner("ada")) == 3


async def test_many_rotations_do_not_pass_the_bound(store: APIKeyStore) -> None:
    for number in range(20):
        await store.create(a_key(number), now=NOW, most=99)
    outcomes = await asyncio.gather(
        *(
            store.rotate(f"id{n:04}", a_key(n + 100), now=NOW, until=NOW + 9, most=23)
            for n in range(20)
        )
    )
    assert sorted(outcomes) == ["full"] * 17 + ["rotated"] * 3
    assert len(await store.of_owner("ada")) == 23
    left = outcomes.index("full")
    ending = store.rotate(f"id{left:04}", a_key(200), now=NOW, until=NOW, most=23)
    assert await ending == "rotated", "one that ends at once makes room for its successor"
    await store.create(a_key(300, owner_id=None), now=NOW, most=0)
    free = a_key(301, owner_id=None)
    assert await store.rotate("id0300", free, now=NOW, until=NOW + 9, most=0) == "rotated"


async def test_revocation_happens_once(store: APIKeyStore) -> None:
    await store.create(a_key(), now=NOW, most=9)
    revoked = await asyncio.gather(*(store.revoke("id0000", now=NOW + n) for n in range(50)))
    assert revoked.count(True) == 1
    assert not await store.revoke("unknown", now=NOW)
    key = await store.get("id0000")
    assert key is not None
    assert key.revoked


async def test_a_rotation_and_a_revocation_at_once_leave_no_old_key(store: APIKeyStore) -> None:
    await store.create(a_key(), now=NOW, most=9)
    rotated, revoked = await asyncio.gather(
        store.rotate("id0000", a_key(1), now=NOW, until=NOW + 9, most=9),
        store.revoke("id0000", now=NOW),
    )
    assert revoked
    assert (await store.get("id0001") is not None) is (rotated == "rotated")
    old = await store.get("id0000")
    assert old is not None
    assert old.revoked


async def test_all_keys_of_an_owner_are_revoked(store: APIKeyStore) -> None:
    await store.create(a_key(0, revoked_at=NOW - 5), now=NOW, most=9)
    await store.create(a_key(1), now=NOW, most=9)
    await store.create(a_key(2, expires_at=NOW - 1), now=NOW, most=9)
    await store.create(a_key(3, owner_id="bob"), now=NOW, most=9)
    assert sorted(await store.revoke_all("ada", now=NOW)) == ["id0001", "id0002"]
    assert await store.revoke_all("ada", now=NOW) == []
    spared, earlier = await store.get("id0003"), await store.get("id0000")
    assert spared is not None
    assert not spared.revoked
    assert earlier is not None
    assert earlier.revoked_at == NOW - 5


async def test_uses_are_written_once_a_minute(store: APIKeyStore) -> None:
    await store.create(a_key(), now=NOW, most=9)
    await store.note_uses([], interval=60)

    async def used(at: float, address: str) -> APIKey:
        uses = [KeyUse(key_id=each, at=at, address=address) for each in ("id0000", "unknown")]
        await store.note_uses(uses, interval=60)
        key = await store.get("id0000")
        assert key is not None
        return key

    first = a_key(last_used_at=NOW, last_used_address="192.0.2.1")
    assert await used(NOW, "192.0.2.1") == first
    assert await used(NOW + 59, "192.0.2.2") == first
    later = await used(NOW + 60, "192.0.2.2")
    assert later == replace(first, last_used_at=NOW + 60, last_used_address="192.0.2.2")


async def test_dead_keys_are_pruned(store: APIKeyStore) -> None:
    await store.create(a_key(0, revoked_at=NOW, expires_at=None), now=NOW, most=9)
    await store.create(a_key(1, expires_at=NOW), now=NOW, most=9)
    await store.create(a_key(2, expires_at=None), now=NOW, most=9)
    await store.create(a_key(3, revoked_at=NOW + 9), now=NOW, most=9)
    assert await store.prune(before=NOW) == 0
    assert await store.prune(before=NOW + 1) == 2
    assert {key.id for key in await store.of_owner("ada")} == {"id0002", "id0003"}
    await store.create(a_key(0), now=NOW, most=9)


@pytest.mark.parametrize("place_url", ["sqlite", "postgresql"], indirect=True)
async def test_a_deleted_account_takes_its_keys_along(store: APIKeyStore, place: Place) -> None:
    assert place.database is not None
    await store.create(a_key(0), now=NOW, most=9)
    await store.create(a_key(1, owner_id="bob"), now=NOW, most=9)
    gone = accounts_table.delete().where(accounts_table.c.id == "ada")
    await place.database.count(gone)
    assert await store.get("id0000") is None
    assert await store.get("id0001") is not None
    assert await store.create(a_key(2), now=NOW, most=9) == "no_owner"


async def test_memory_is_bounded() -> None:
    store = MemoryAPIKeyStore(max_entries=1)
    await store.create(a_key(0), now=NOW, most=9)
    with pytest.raises(ServiceUnavailableError):
        await store.create(a_key(1), now=NOW, most=9)
