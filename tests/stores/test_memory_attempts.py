"""Attempts in memory are bounded: the one that is forgotten first makes room."""

from __future__ import annotations

from zenith.abuse import Changes, Standing, Standings
from zenith.stores.memory import MemoryAttemptStore


async def put(store: MemoryAttemptStore, key: str, expires_at: float) -> None:
    def step(_: Standings) -> tuple[None, Changes]:
        return None, {key: Standing(1, expires_at=expires_at)}

    await store.settle((key,), step)


async def test_a_flood_of_names_takes_no_more_than_its_room() -> None:
    store = MemoryAttemptStore(max_entries=3)
    await put(store, "victim", 900.0)
    for number in range(100):
        await put(store, f"name-{number}", 100.0 + number)
    await put(store, "victim", 950.0)
    assert len(store) == 3
    assert await store.prune(now=940.0) == 2
    assert len(store) == 1
