"""Quotas in process memory: for tests and for one process whose restart may forget them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.rate_limits.allowance import Span
from zenith.rate_limits.store import Taken


class MemoryQuotaStore:
    """Counts by row and bucket. Nothing is dropped before `prune` finds that its time is over."""

    def __init__(self) -> None:
        self._rows: Final[dict[str, dict[int, int]]] = {}
        self._ends: Final[dict[tuple[str, int], int]] = {}

    async def take(self, row: str, *, span: Span, limit: int, need: int, most: int) -> Taken:
        """As QuotaStore."""
        counts = self._counts(row, span.since, span.until)
        room = limit - sum(count for _, count in counts)
        if room < need:
            return Taken(0, counts)
        granted = min(most, room)
        buckets = self._rows.setdefault(row, {})
        buckets[span.bucket] = buckets.get(span.bucket, 0) + granted
        self._ends[row, span.bucket] = span.ends + span.forgets
        return Taken(granted, counts)

    async def give_back(self, row: str, *, bucket: int, count: int) -> None:
        """As QuotaStore."""
        buckets = self._rows.get(row, {})
        if bucket in buckets:
            buckets[bucket] = max(buckets[bucket] - count, 0)

    async def read(self, row: str, *, since: int, until: int) -> Sequence[tuple[int, int]]:
        """As QuotaStore."""
        return self._counts(row, since, until)

    async def prune(self, *, now: float) -> int:
        """As QuotaStore."""
        gone = [place for place, end in self._ends.items() if end <= now]
        for row, bucket in gone:
            del self._ends[row, bucket]
            del self._rows[row][bucket]
            if not self._rows[row]:
                del self._rows[row]
        return len(gone)

    def _counts(self, row: str, since: int, until: int) -> list[tuple[int, int]]:
        buckets = self._rows.get(row, {})
        return sorted((at, count) for at, count in buckets.items() if since <= at <= until)
