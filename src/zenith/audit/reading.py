"""Reads a log from its store, for verification and for export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from zenith.audit.findings import FindingKind, Oddity
from zenith.audit.reading_ahead import ROWS, ReadingAhead
from zenith.audit.record import Record
from zenith.audit.seal import Seal, highest_of
from zenith.audit.seal_store import SealStore

FIRST: Final = 1
"""The lowest place that a log gives to an event."""
SEALS: Final = 64
"""Seals read at once."""


class StoredLog:
    """The Source that a store is."""

    def __init__(self, store: SealStore, stream: str, *, ahead: ReadingAhead | None = None) -> None:
        self._store: Final = store
        self._stream: Final = stream
        self._ahead: Final = ahead
        self._read = 0
        """The highest sequence so far."""
        self._ended = False

    async def blocks(self) -> AsyncIterator[tuple[Sequence[tuple[int, bytes]], Seal | None]]:
        """Every seal, behind the events up to the highest that it names."""
        number = -1
        while found := await self._store.seals(self._stream, after=number, limit=SEALS):
            self._ended = False
            for seal in found:
                highest = highest_of(seal)
                while self._read < highest and not self._ended:
                    yield await self._next(), None
                yield (), seal
            if found[-1].number <= number:
                return
            number = found[-1].number

    async def rest(self) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """The events after the last seal, up to where they end just now, and those at places that
        the log never gives.
        """
        self._ended = False
        while not self._ended and (leaves := await self._next()):
            yield leaves
        before = FIRST
        while leaves := await self._store.astray(self._stream, before=before, limit=ROWS):
            yield leaves
            before = leaves[-1][0]

    async def oddities(self) -> Sequence[Oddity]:
        """Seals that stand in no chain."""
        strays = await self._store.stray_seals(self._stream)
        return [
            (FindingKind.BAD_SEAL, f"a seal with the number {number!r:.40}: no chain has such")
            for number in strays
        ]

    async def added(self, number: int) -> AsyncIterator[Seal]:
        """The seals behind this one that were added meanwhile."""
        while found := await self._store.seals(self._stream, after=number, limit=SEALS):
            for seal in found:
                yield seal
            if found[-1].number <= number:
                return
            number = found[-1].number

    async def first(self) -> Seal | None:
        """The first seal that is there now."""
        found = await self._store.seals(self._stream, after=-1, limit=1)
        return found[0] if found else None

    async def records_at(self, sequences: Sequence[int]) -> Sequence[Record]:
        """Rows by their places."""
        return await self._store.records_at(self._stream, sequences)

    async def records_of(self, event_ids: Sequence[str]) -> Sequence[Record]:
        """Rows by the ids of their events."""
        return await self._store.records_of(self._stream, event_ids)

    async def _next(self) -> Sequence[tuple[int, bytes]]:
        while self._ahead is not None and (found := await self._ahead.next(self._read)):
            leaves, self._read = found
            if leaves:
                return leaves
        leaves = await self._store.leaves(self._stream, after=self._read, limit=ROWS)
        self._ended = len(leaves) < ROWS
        if leaves:
            self._read = leaves[-1][0]
        return leaves
