"""Which keys are due, without ever looking at all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

STEP: Final = 4
"""Due keys removed with each write: more than a write adds, so that the rest shrinks."""
SLACK: Final = 64


class Expiry(Generic[Key]):
    """Keys by the time at which they end.

    `end_of` tells when a key ends now, None if it is gone: a key whose end moved is found at its
    old place and put back, so that moving it costs nothing.
    """

    def __init__(self, end_of: Callable[[Key], float | None]) -> None:
        self._end_of: Final = end_of
        self._heap: list[tuple[float, int, Key]] = []
        self._pushed = 0

    def add(self, key: Key, end: float, *, held: int) -> None:
        """Note a key. `held` is the number of keys in the store: what is noted beyond twice that
        is forgotten.
        """
        self._pushed += 1
        heappush(self._heap, (end, self._pushed, key))
        if len(self._heap) > 2 * held + SLACK:
            keys = dict.fromkeys(key for _, _, key in self._heap)
            ends = [(self._end_of(key), key) for key in keys]
            self._heap = [(at, n, key) for n, (at, key) in enumerate(ends) if at is not None]
            self._pushed = len(ends)
            heapify(self._heap)

    def due(self, now: float, limit: int | None = STEP) -> Iterator[Key]:
        """Keys that have ended at `now`, at most `limit` of them. The caller removes each before it
        takes the next: one that was noted twice is there once.
        """
        seen = 0
        while self._heap and self._heap[0][0] <= now and (limit is None or seen < limit):
            seen += 1
            _, _, key = heappop(self._heap)
            end = self._end_of(key)
            if end is None:
                continue
            if end <= now:
                yield key
            else:
                self._pushed += 1
                heappush(self._heap, (end, self._pushed, key))

    def soonest(self) -> Key | None:
        """The key that ends first, which the caller removes to make room."""
        while self._heap:
            end, _, key = heappop(self._heap)
            current = self._end_of(key)
            if current is None:
                continue
            if current <= end:
                return key
            self._pushed += 1
            heappush(self._heap, (current, self._pushed, key))
        return None
