"""What a process that seals knows of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.audit.keys import AuditKeys
from zenith.audit.seal import EMPTY, Seal, SealKind, head_of
from zenith.audit.seal_store import SealStore
from zenith.kernel.records import dataclass

PAGE: Final = 256
SETTLED: Final = 120.0
"""Seconds after which no transaction that took a sequence is still open."""
OVERLAP: Final = 30.0


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the log that only somebody else can have done."""

    kind: str
    reason: str
    place: int
    """Number of a seal, or sequence of an event; of the first, where there are more."""
    count: int = 1


class Chain:
    """Follows the chain of one stream: its end, what is sealed, and whether it is as it was.

    Threat: seals removed, replaced or set back while the application runs: each look begins with
    the last seal that was seen before (RFC 9162 asks the same of who watches a log).
    """

    def __init__(self, store: SealStore, keys: AuditKeys, stream: str) -> None:
        self._store: Final = store
        self._keys: Final = keys
        self._stream: Final = stream
        self.head = EMPTY
        self.kind: str = SealKind.LEGACY
        """Of the last seal; LEGACY also before the first."""
        self.floor = 0
        """No event up to this sequence awaits a seal."""
        self.pruned_before = 0.0
        """What is older was removed: it cannot come again."""
        self._sealed: dict[int, float] = {}
        self._is_loaded = False

    def is_sealed(self, sequence: int) -> bool:
        """Whether an event has its seal."""
        return sequence <= self.floor or sequence in self._sealed

    async def follow(self) -> list[Damage]:
        """Read what was added since the last look; what is wrong with it."""
        if not self._is_loaded:
            return await self._load()
        damages: list[Damage] = []
        known, seen = self.head, self.head.number < 0
        while found := await self._store.seals(
            self._stream, after=self.head.number - (not seen), limit=PAGE
        ):
            if not seen:
                if (found[0].number, found[0].hash) != known[:2]:
                    break
                seen, found = True, found[1:]
            for seal in found:
                damages += self._take(seal)
            if len(found) < PAGE - 1:
                break
        if not seen:
            damages.append(
                Damage("forked", "the last seal that this process saw is gone", known.number)
            )
            self._forget()
            damages += await self._load()
        return damages

    def added(self, seal: Seal) -> None:
        """Take note of a seal that this process has just appended."""
        self._learn(seal)
        self.head, self.kind = head_of(seal), seal.kind

    def settle(self, now: float, lowest_unsealed: int | None) -> None:
        """Move the floor to what was sealed long ago, below everything that has no seal."""
        settled = [place for place, at in self._sealed.items() if at < now - SETTLED]
        floor = max(settled, default=self.floor)
        if lowest_unsealed is not None:
            floor = min(floor, lowest_unsealed - 1)
        if floor > self.floor:
            self.floor = floor
            self._sealed = {each: at for each, at in self._sealed.items() if each > floor}

    def _take(self, seal: Seal) -> list[Damage]:
        damages: list[Damage] = []
        if seal.previous != self.head.hash or seal.number != self.head.number + 1:
            damages.append(Damage("forked", "a seal does not follow the one before", seal.number))
        damages += self._learn(seal)
        self.head, self.kind = head_of(seal), seal.kind
        return damages

    def _learn(self, seal: Seal) -> list[Damage]:
        is_ours = seal.is_whole() and (
            not self._keys.knows(seal.key_id)
            or self._keys.is_seal_marked(seal.key_id, seal.hash, seal.mac)
        )
        if not is_ours:
            return [Damage("bad seal", "a seal that no process of ours has made", seal.number)]
        if seal.is_of_rows:
            for sequence, _, _ in seal.triples():
                self._sealed[sequence] = seal.at
        if tombstone := seal.tombstone():
            self.pruned_before = max(self.pruned_before, tombstone.before)
        return []

    def _forget(self) -> None:
        self.head, self.kind, self.floor = EMPTY, SealKind.LEGACY, 0
        self._sealed, self._is_loaded = {}, False

    async def _load(self) -> list[Damage]:
        """Begin at the end, and go back as far as events may still await a seal."""
        damages: list[Damage] = []
        last = await self._store.head(self._stream)
        if last is not None:
            damages += self._learn(last)
            self.head, self.kind = head_of(last), last.kind
            self.floor = 0 if damages else last.through
            if stone := await self._store.last_tombstone(self._stream):
                self._learn(stone)
        below: float | None = None
        top = self.head.number - 1
        while top >= 0:
            found = await self._store.seals(
                self._stream, after=max(-1, top - PAGE), limit=min(PAGE, top + 1)
            )
            found = [seal for seal in found if seal.number <= top]
            if not found:
                break
            for seal in found:
                damages += self._learn(seal)
            below = self._below(found, below)
            if below is not None and found[0].at < below - OVERLAP:
                break
            top = found[0].number - 1
        self._sealed = {each: at for each, at in self._sealed.items() if each > self.floor}
        self._is_loaded = True
        return damages

    def _below(self, seals: Sequence[Seal], known: float | None) -> float | None:
        """When the newest seal was made of which no event is above the floor."""
        if known is not None:
            return known
        below = [
            seal.at
            for seal in seals
            if seal.is_of_rows and all(each[0] <= self.floor for each in seal.triples())
        ]
        return max(below, default=None)
