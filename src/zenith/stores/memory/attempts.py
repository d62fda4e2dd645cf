"""Failed attempts, in process memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from zenith.abuse import Changes, Standing, Standings
from zenith.stores.memory.expiry import Expiry

T = TypeVar("T")


class MemoryAttemptStore:
    """Standings that end with the process. Beyond `max_entries` the one that expires first is
    forgotten.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._entries: dict[str, Standing] = {}
        self._expiry: Final = Expiry[str](self._end_of)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._entries)

    async def settle(
        self, keys: Sequence[str], step: Callable[[Standings], tuple[T, Changes]]
    ) -> T:
        """Never waits, so no other task comes between."""
        result, changes = step({key: self._entries[key] for key in keys if key in self._entries})
        for key, standing in changes.items():
            if standing is None:
                self._entries.pop(key, None)
                continue
            while (
                key not in self._entries
                and len(self._entries) >= self._max
                and (soonest := self._expiry.soonest()) is not None
            ):
                del self._entries[soonest]
            self._entries[key] = standing
            self._expiry.add(key, standing.expires_at, held=len(self._entries))
        return result

    async def prune(self, *, now: float) -> int:
        """Remove what has expired."""
        pruned = 0
        for key in self._expiry.due(now, None):
            del self._entries[key]
            pruned += 1
        return pruned

    def _end_of(self, key: str) -> float | None:
        entry = self._entries.get(key)
        return None if entry is None else entry.expires_at
