"""Every store of bans keeps the contract of `zenith.abuse.bans.store`."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import Place
from zenith.abuse.bans import Ban, Bans, BanStore, BanTarget
from zenith.stores.memory import MemoryBanStore
from zenith.stores.sql import SqlBanStore

ONE = BanTarget.parse("203.0.113.7")
NET = BanTarget.parse("198.51.100.0/24")
DURATIONS = (60.0, 120.0, 200.0)


def ban(target: BanTarget = ONE, *, at: float = 100.0, until: float | None = 500.0) -> Ban:
    return Ban(
        target=target,
        reason="scans 100% of it",
        made_by="admin",
        created_at=at,
        updated_at=at,
        until=until,
    )


@pytest.fixture
def bans(place: Place) -> BanStore:
    return MemoryBanStore() if place.database is None else SqlBanStore(place.database)


async def offend(store: BanStore, *, at: float) -> Ban | None:
    return await store.offend(ban(at=at, until=at), durations=DURATIONS, memory=1000.0)


async def test_what_was_stored_is_found(bans: BanStore) -> None:
    assert await bans.put(ban()) == ban()
    lasting = ban(NET, at=200.0, until=None)
    await bans.put(lasting)
    assert await bans.find(ONE) == ban()
    assert await bans.find(BanTarget("account", "x")) is None
    assert list(await bans.active(now=300.0, limit=9)) == [lasting, ban()]
    assert list(await bans.active(now=300.0, limit=1, offset=1)) == [ban()]
    assert list(await bans.active(now=500.0, limit=9)) == [lasting]
    assert [each.target for each in await bans.active(now=1.0, limit=9, search="113.7")] == [ONE]
    assert len(await bans.active(now=1.0, limit=9, search="SCANS 100%")) == 2
    assert await bans.active(now=1.0, limit=9, search="100_") == []
    shorter = ban(at=150.0, until=160.0)
    assert await bans.put(shorter) == shorter
    assert list(await bans.active(now=0.0, limit=9)) == [lasting, shorter]
    assert await bans.prune(before=160.0) == 0
    assert await bans.prune(before=160.1) == 1
    assert await bans.prune(before=1e12) == 0


async def test_what_changed_is_told_with_its_end(bans: BanStore) -> None:
    await bans.put(ban())
    await bans.put(ban(NET, at=200.0, until=None))
    assert {each.target for each in await bans.since(0.0, alive_at=0.0)} == {ONE, NET}
    assert [each.target for each in await bans.since(0.0, alive_at=500.0)] == [NET]
    assert [each.target for each in await bans.since(100.1, alive_at=0.0)] == [NET]
    lifted = await bans.lift(ONE, now=300.0)
    assert lifted is not None
    assert not lifted.holds(300.0)
    assert {each.target for each in await bans.since(300.0, alive_at=0.0)} == {ONE}
    assert await bans.lift(ONE, now=301.0) is None
    assert await bans.lift(NET, now=301.0) is not None


async def test_repeated_offences_last_longer(bans: BanStore) -> None:
    first = await offend(bans, at=1000.0)
    assert first is not None
    assert (first.until, first.offences) == (1060.0, 1)
    assert await offend(bans, at=1059.0) is None
    lengths: list[float] = []
    at = 1060.0
    for _ in range(3):
        made = await offend(bans, at=at)
        assert made is not None
        assert made.until is not None
        lengths.append(made.until - at)
        at = made.until
    assert lengths == [120.0, 200.0, 200.0]
    later = await offend(bans, at=at + 1000.0)
    assert later is not None
    assert (later.offences, later.until) == (1, at + 1060.0)
    # A lift forgives, and what people decide stays.
    at += 1001.0
    await bans.lift(ONE, now=at)
    again = await offend(bans, at=at + 1.0)
    assert again is not None
    assert again.offences == 1
    stored = await bans.put(ban(at=at + 2.0, until=None))
    assert (stored.offences, stored.until) == (1, None)
    assert await offend(bans, at=9_999_999.0) is None


async def test_of_many_at_once_one_bans(bans: BanStore, place: Place) -> None:
    total = 200 if place.database is None else 30
    made = await asyncio.gather(*(offend(bans, at=1000.0) for _ in range(total)))
    assert sum(each is not None for each in made) == 1
    found = await bans.find(ONE)
    assert found is not None
    assert found.offences == 1


async def test_a_ban_in_one_process_refuses_in_the_other(bans: BanStore) -> None:
    """Each process asks twice a second; here the clock is ours, and nobody waits."""
    now = 1000.0
    here, there = (Bans(bans, clock=lambda: now) for _ in range(2))
    await here.refresh()
    await there.refresh()
    await here.ban("203.0.113.7", reason="scans", seconds=60)
    assert here.banned.of_address("203.0.113.7") == 1060.0
    assert there.banned.of_address("203.0.113.7") is None
    now += 0.5
    await there.refresh()
    assert there.banned.of_address("203.0.113.7") == 1060.0
    assert await there.lift("203.0.113.7") is True
    now += 0.5
    await here.refresh()
    assert not here.banned.has_addresses
    late = Bans(bans, clock=lambda: now)
    await there.ban(NET, reason="for good")
    await late.refresh()
    assert late.banned.of_address("198.51.100.9") == float("inf")
