"""Places for requests in flight, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.rate_limits.store import Release, Slot


class MemorySlotStore:
    """Counts inside one process; what is not held takes no memory."""

    def __init__(self) -> None:
        self._held: Final[dict[tuple[str, str], int]] = {}

    def __len__(self) -> int:
        """How many callers hold something."""
        return len(self._held)

    async def take(self, slots: Sequence[Slot]) -> Release | Slot:
        """As SlotStore; never waits."""
        held = self._held
        for name, key, at_most in slots:
            if held.get((name, key), 0) >= at_most:
                return Slot(name, key, at_most)
        places = [(name, key) for name, key, _ in slots]
        for place in places:
            held[place] = held.get(place, 0) + 1

        def release() -> None:
            while places:
                place = places.pop()
                left = held[place] - 1
                if left:
                    held[place] = left
                else:
                    del held[place]

        return release
