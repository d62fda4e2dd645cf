"""Every store of attempts keeps the contract of `zenith.abuse.store`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.conformance.conftest import Place
from zenith.abuse import AttemptStore, Changes, Standing, Standings
from zenith.stores.memory import MemoryAttemptStore
from zenith.stores.sql import SqlAttemptStore


@pytest.fixture
def attempts(place: Place) -> AttemptStore:
    return MemoryAttemptStore() if place.database is None else SqlAttemptStore(place.database)


def look(standings: Standings) -> tuple[dict[str, Standing], Changes]:
    return dict(standings), {}


async def put(store: AttemptStore, changes: Mapping[str, Standing | None]) -> None:
    await store.settle(list(changes), lambda _: (None, changes))


async def test_what_was_stored_is_found(attempts: AttemptStore) -> None:
    full = Standing(3, 12.5, 99.0, 1_000_000.25)
    await put(attempts, {"a": full, "b": Standing(1)})
    assert await attempts.settle(("a", "b", "c"), look) == {"a": full, "b": Standing(1)}
    await put(attempts, {"a": replace(full, failures=4), "b": None, "c": None})
    assert await attempts.settle(("a", "b", "c"), look) == {"a": replace(full, failures=4)}


async def test_an_error_in_the_step_changes_nothing(attempts: AttemptStore) -> None:
    await put(attempts, {"a": Standing(1)})

    def fail(_: Standings) -> tuple[None, Changes]:
        raise LookupError

    with pytest.raises(LookupError):
        await attempts.settle(("a",), fail)
    assert await attempts.settle(("a",), look) == {"a": Standing(1)}


async def test_what_has_expired_is_pruned(attempts: AttemptStore) -> None:
    await put(attempts, {name: Standing(1, expires_at=float(at)) for at, name in enumerate("abc")})
    assert await attempts.prune(now=1.0) == 2
    assert await attempts.prune(now=1.0) == 0
    assert list(await attempts.settle(("a", "b", "c"), look)) == ["c"]


async def test_concurrent_steps_are_counted_exactly(attempts: AttemptStore, place: Place) -> None:
    """Each takes one of three rows and the one that all share, in any order."""

    def count(own: str, standings: Standings) -> tuple[int, Changes]:
        found = {key: standings.get(key, Standing()) for key in ("shared", own)}
        changes = {key: replace(each, failures=each.failures + 1) for key, each in found.items()}
        return changes["shared"].failures, changes

    total = 1_000 if place.database is None else 100

    async def one(number: int) -> int:
        own = f"own-{number % 3}"
        keys = (own, "shared") if number % 2 else ("shared", own)
        return await attempts.settle(keys, lambda standings: count(own, standings))

    seen = await asyncio.gather(*(one(number) for number in range(total)))
    assert sorted(seen) == list(range(1, total + 1))
    found = await attempts.settle(("shared", "own-0", "own-1", "own-2"), look)
    assert found["shared"].failures == total
    assert sum(found[f"own-{n}"].failures for n in range(3)) == total
