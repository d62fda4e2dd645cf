"""Revocations in process memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import islice
from math import inf, nextafter
from typing import Final, TypeAlias

from zenith.authentication.store import Revocation, RevocationKind
from zenith.kernel.errors import ServiceUnavailableError
from zenith.stores.memory.expiry import Expiry

Key: TypeAlias = tuple[RevocationKind, str]


def _time(entry: tuple[float, Key]) -> float:
    return entry[0]


class MemoryRevocationStore:
    """Revocations that end with the process.

    None is ever forgotten before its time to make room: beyond `max_entries` a new one raises
    ServiceUnavailableError.
    """

    def __init__(self, *, max_entries: int = 1_000_000) -> None:
        self._max: Final = max_entries
        self._known: dict[Key, Revocation] = {}
        self._by_time: list[tuple[float, Key]] = []
        self._expiry: Final = Expiry[Key](self._end_of)

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Store all of them; the later of two for the same key counts."""
        fresh = {(each.kind, each.key) for each in revocations} - self._known.keys()
        if len(self._known) + len(fresh) > self._max:
            raise ServiceUnavailableError(reason=f"memory holds {self._max} revocations already")
        for each in revocations:
            key: Key = (each.kind, each.key)
            known = self._known.get(key, each)
            self._forget(key)
            merged = Revocation(
                kind=each.kind,
                key=each.key,
                at=max(each.at, known.at),
                until=max(each.until, known.until),
            )
            self._known[key] = merged
            insort(self._by_time, (merged.at, key))
            self._expiry.add(key, merged.until, held=len(self._known))

    async def since(self, moment: float) -> Sequence[Revocation]:
        """Those whose `at` is not before `moment` and that were not pruned."""
        start = bisect_left(self._by_time, moment, key=_time)
        return [self._known[key] for _, key in islice(self._by_time, start, None)]

    async def prune(self, now: float) -> int:
        """Forget those whose `until` has passed; how many there were."""
        pruned = 0
        for key in self._expiry.due(nextafter(now, -inf), None):
            self._forget(key)
            pruned += 1
        return pruned

    def _forget(self, key: Key) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            del self._by_time[bisect_left(self._by_time, (known.at, key))]

    def _end_of(self, key: Key) -> float | None:
        known = self._known.get(key)
        return None if known is None else known.until
