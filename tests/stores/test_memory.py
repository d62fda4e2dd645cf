"""Stores in memory: bounded, and never by looking at everything."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.stores.racer import account
from zenith.authentication.store import Revocation
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.sessions.store import SessionRecord
from zenith.stores.memory import (
    MemoryAccountStore,
    MemoryAuditStore,
    MemoryOneTimeStore,
    MemoryRefreshStore,
    MemoryRevocationStore,
    MemorySessionStore,
)
from zenith.stores.memory.expiry import SLACK, Expiry
from zenith.tokens.store import RefreshFamily


def session(number: int, *, idle_expires_at: float) -> SessionRecord:
    return SessionRecord(
        id=f"s{number}",
        account_id=f"a{number % 3}",
        kind="browser",
        digest=f"d{number}",
        created_at=0.0,
        last_seen_at=0.0,
        idle_expires_at=idle_expires_at,
        expires_at=1e6,
    )


def family(number: int, *, expires_at: float) -> RefreshFamily:
    return RefreshFamily(
        id=f"f{number}",
        account_id="a",
        handle=f"h{number}",
        current="t",
        created_at=0.0,
        expires_at=expires_at,
    )


async def test_no_more_accounts_than_the_bound() -> None:
    store = MemoryAccountStore(max_entries=1)
    assert await store.create(account("a", "a"))
    assert not await store.create(replace(account("b", "a"), id="other"))
    with pytest.raises(ServiceUnavailableError):
        await store.create(account("b", "b"))


async def test_no_revocation_makes_room_for_another() -> None:
    store = MemoryRevocationStore(max_entries=2)
    first = [Revocation(kind="token", key=key, at=1.0, until=9.0) for key in "ab"]
    await store.add(first)
    await store.add(first)
    with pytest.raises(ServiceUnavailableError):
        await store.add([Revocation(kind="token", key="c", at=1.0, until=9.0)])
    assert list(await store.since(0.0)) == first
    assert await store.prune(10.0) == 2
    await store.add([Revocation(kind="token", key="c", at=1.0, until=9.0)])


async def test_the_session_that_ends_first_makes_room() -> None:
    store = MemorySessionStore(max_entries=3)
    for number, end in enumerate((300.0, 100.0, 200.0)):
        await store.create(session(number, idle_expires_at=end))
    await store.touch("s1", now=1.0, idle_expires_at=400.0)
    await store.create(session(3, idle_expires_at=500.0))
    assert await store.get("s2", now=1.0) is None
    assert [await store.get(f"s{n}", now=1.0) is not None for n in (0, 1, 3)] == [True] * 3


async def test_the_secret_that_ends_first_makes_room() -> None:
    store = MemoryOneTimeStore(max_entries=2)
    for number, end in enumerate((30.0, 10.0, 20.0)):
        await store.put(f"d{number}", purpose="p", subject=f"{number}", now=0.0, expires_at=end)
    assert await store.check("d1", purpose="p", now=0.0) is None
    assert await store.check("d0", purpose="p", now=0.0) == "0"
    assert await store.check("d2", purpose="p", now=0.0) == "2"


async def test_the_family_that_ends_first_makes_room() -> None:
    store = MemoryRefreshStore(max_entries=2)
    for number, end in enumerate((30.0, 10.0, 20.0)):
        await store.start(family(number, expires_at=end))
    outcomes = [
        (await store.rotate(handle=f"h{n}", presented="t", successor="u", now=1.0, grace=0)).outcome
        for n in range(3)
    ]
    assert outcomes == ["rotated", "unknown", "rotated"]


async def test_the_newest_events_stay() -> None:
    store = MemoryAuditStore(max_entries=3)
    await store.append(
        [Event(type=EventType.LOGOUT, outcome="success", at=float(n)) for n in range(5)]
    )
    assert [stored.sequence for stored in await store.page()] == [5, 4, 3]


async def test_what_has_expired_goes_by_and_by() -> None:
    sessions, secrets, families = MemorySessionStore(), MemoryOneTimeStore(), MemoryRefreshStore()
    for number in range(500):
        late = float(number)
        await sessions.create(
            replace(session(number, idle_expires_at=late + 10), last_seen_at=late)
        )
        await secrets.put(
            f"{number}", purpose="p", subject=f"{number}", now=late, expires_at=late + 10
        )
        await families.start(replace(family(number, expires_at=late + 10), created_at=late))
    assert await sessions.prune(now=499.0) <= 10
    assert await secrets.prune(now=499.0) <= 10
    assert await families.prune(499.0) <= 10


async def test_a_link_asked_for_again_and_again_takes_no_more_memory() -> None:
    store = MemoryOneTimeStore()
    for number in range(5000):
        await store.put(f"d{number}", purpose="p", subject="ada", now=0.0, expires_at=1e9 + number)
    assert len(store._expiry._heap) <= SLACK + 3
    assert await store.consume("d4999", purpose="p", now=1.0) == "ada"


async def test_a_write_among_many_costs_as_little_as_among_few() -> None:
    store = MemorySessionStore(max_entries=60_000)
    for number in range(50_000):
        await store.create(session(number, idle_expires_at=1e5 + number % 7))
    began = time.perf_counter()
    for number in range(50_000, 51_000):
        await store.create(session(number, idle_expires_at=1e5))
        await store.touch(f"s{number}", now=1.0, idle_expires_at=2e5)
    # A scan of 50,000 for each of these takes seconds.
    assert time.perf_counter() - began < 1.0


async def test_what_was_noted_twice_is_pruned_once() -> None:
    secrets = MemoryOneTimeStore()
    for _ in range(3):
        await secrets.put("d", purpose="p", subject="s", now=0.0, expires_at=9.0)
    assert await secrets.prune(now=9.0) == 1
    for _ in range(3):
        await secrets.put("d", purpose="p", subject="s", now=0.0, expires_at=9.0)
    await secrets.put("e", purpose="p", subject="t", now=9.0, expires_at=19.0)
    assert await secrets.prune(now=9.0) == 0


def test_keys_that_moved_are_found_at_their_new_place() -> None:
    ends: dict[str, float] = {"a": 1.0, "b": 2.0, "c": 3.0}
    expiry = Expiry[str](ends.get)
    for key, end in ends.items():
        expiry.add(key, end, held=len(ends))
    ends["a"] = 10.0
    del ends["b"]
    assert list(expiry.due(5.0)) == ["c"]
    del ends["c"]
    assert expiry.soonest() == "a"
    assert expiry.soonest() is None


def test_the_soonest_is_never_one_that_is_gone() -> None:
    ends: dict[str, float] = {"a": 1.0, "b": 2.0}
    expiry = Expiry[str](ends.get)
    for key, end in ends.items():
        expiry.add(key, end, held=len(ends))
    del ends["a"]
    assert expiry.soonest() == "b"


async def test_an_account_whose_sign_ins_ended_leaves_nothing() -> None:
    sessions, families = MemorySessionStore(), MemoryRefreshStore()
    for number in range(20):
        await sessions.create(replace(session(number, idle_expires_at=5.0), account_id=f"{number}"))
        await families.start(replace(family(number, expires_at=5.0), account_id=f"{number}"))
    assert await sessions.prune(now=5.0) == await families.prune(5.0) == 20
    assert not sessions._of
    assert not families._of
