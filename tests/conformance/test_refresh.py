"""Every refresh store keeps the contract of `zenith.tokens.store`."""

from __future__ import annotations

import pytest

from zenith.kernel.errors import ConflictError
from zenith.tokens.store import RefreshFamily, RefreshStore, Rotation


def family(name: str, *, account: str = "ada", expires_at: float = 5000.0) -> RefreshFamily:
    return RefreshFamily(
        id=f"f-{name}",
        account_id=account,
        handle=f"h-{name}",
        current=f"t-{name}-0",
        created_at=1000.0,
        expires_at=expires_at,
    )


async def rotate(
    store: RefreshStore, name: str, presented: int, *, now: float = 1100.0, grace: float = 10.0
) -> Rotation:
    return await store.rotate(
        handle=f"h-{name}",
        presented=f"t-{name}-{presented}",
        successor=f"t-{name}-{presented + 1}",
        now=now,
        grace=grace,
    )


def seen(name: str, outcome: str, current: int, *, expires_at: float = 5000.0) -> Rotation:
    return Rotation(
        outcome=outcome,  # type: ignore[arg-type]  # a literal of the caller's
        family_id=f"f-{name}",
        account_id="ada",
        current=f"t-{name}-{current}",
        expires_at=expires_at,
    )


async def test_a_token_is_rotated(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    assert await rotate(refresh, "a", 0) == seen("a", "rotated", 1)
    assert await rotate(refresh, "a", 1) == seen("a", "rotated", 2)


async def test_an_unknown_handle_is_unknown(refresh: RefreshStore) -> None:
    assert await rotate(refresh, "a", 0) == Rotation(outcome="unknown")


async def test_ids_and_handles_are_unique(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    with pytest.raises(ConflictError):
        await refresh.start(family("a"))
    other = RefreshFamily(
        id="f-b", account_id="eve", handle="h-a", current="x", created_at=1.0, expires_at=5000.0
    )
    with pytest.raises(ConflictError):
        await refresh.start(other)
    assert await rotate(refresh, "a", 0) == seen("a", "rotated", 1)


async def test_the_predecessor_is_replayed_within_the_grace(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    await rotate(refresh, "a", 0, now=1100.0)
    assert await rotate(refresh, "a", 0, now=1110.0) == seen("a", "replayed", 1)
    # A clock that is behind counts as within the grace.
    assert await rotate(refresh, "a", 0, now=1099.0) == seen("a", "replayed", 1)
    assert await rotate(refresh, "a", 1, now=1111.0) == seen("a", "rotated", 2)


async def test_a_spent_token_after_the_grace_revokes_the_family(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    await rotate(refresh, "a", 0, now=1100.0)
    assert await rotate(refresh, "a", 0, now=1110.5) == seen("a", "reused", 1)
    assert await rotate(refresh, "a", 0, now=1111.0) == seen("a", "revoked", 1)
    assert await rotate(refresh, "a", 1, now=1111.0) == seen("a", "revoked", 1)


async def test_a_token_older_than_the_predecessor_revokes_the_family(
    refresh: RefreshStore,
) -> None:
    await refresh.start(family("a"))
    await rotate(refresh, "a", 0, now=1100.0)
    await rotate(refresh, "a", 1, now=1101.0)
    assert await rotate(refresh, "a", 0, now=1101.0) == seen("a", "reused", 2)
    assert await rotate(refresh, "a", 2, now=1101.0) == seen("a", "revoked", 2)


async def test_a_made_up_token_of_a_known_handle_revokes_the_family(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    assert await rotate(refresh, "a", 7) == seen("a", "reused", 0)
    assert await rotate(refresh, "a", 0) == seen("a", "revoked", 0)


async def test_a_family_ends_at_its_time(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    assert await rotate(refresh, "a", 0, now=5000.0) == seen("a", "expired", 0)
    assert await rotate(refresh, "a", 9, now=5000.0) == seen("a", "expired", 0)
    assert await rotate(refresh, "a", 0, now=4999.0) == seen("a", "rotated", 1)


async def test_a_family_is_revoked_once(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    await refresh.start(family("b", expires_at=1050.0))
    assert await refresh.revoke_family("f-a", now=1100.0)
    assert not await refresh.revoke_family("f-a", now=1100.0)
    assert not await refresh.revoke_family("f-b", now=1100.0)
    assert not await refresh.revoke_family("unknown", now=1100.0)
    assert await rotate(refresh, "a", 0) == seen("a", "revoked", 0)


async def test_the_families_of_an_account_are_revoked(refresh: RefreshStore) -> None:
    for name in ("a", "b", "c"):
        await refresh.start(family(name))
    await refresh.start(family("d", expires_at=1050.0))
    await refresh.start(family("e", account="eve"))
    assert await refresh.revoke_account("ada", now=1100.0, keep="f-b") == 2
    assert await refresh.revoke_account("ada", now=1100.0) == 1
    assert await refresh.revoke_account("ada", now=1100.0) == 0
    assert (await rotate(refresh, "e", 0)).outcome == "rotated"
    assert (await rotate(refresh, "b", 0)).outcome == "revoked"


async def test_families_are_pruned_when_they_end(refresh: RefreshStore) -> None:
    await refresh.start(family("a", expires_at=1500.0))
    await refresh.start(family("b", expires_at=1600.0))
    await refresh.revoke_family("f-a", now=1100.0)
    assert await refresh.prune(1400.0) == 0
    assert (await rotate(refresh, "a", 0)).outcome == "revoked"
    assert await refresh.prune(1500.0) == 1
    assert (await rotate(refresh, "a", 0)).outcome == "unknown"
    assert (await rotate(refresh, "b", 0)).outcome == "rotated"


async def test_a_living_family_is_found_by_its_handle(refresh: RefreshStore) -> None:
    await refresh.start(family("a"))
    assert await refresh.find(handle="h-a", now=1100.0) == family("a")
    await rotate(refresh, "a", 0)
    found = await refresh.find(handle="h-a", now=1100.0)
    assert found is not None
    assert found.current == "t-a-1"
    assert await refresh.find(handle="h-b", now=1100.0) is None
    assert await refresh.find(handle="h-a", now=5000.0) is None
    await refresh.revoke_family("f-a", now=1200.0)
    assert await refresh.find(handle="h-a", now=1300.0) is None
