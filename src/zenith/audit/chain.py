"""What a process that seals knows of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from zenith.audit.keys import AuditKeys
from zenith.audit.seal import EMPTY, START, Head, Seal, SealKind, head_of, highest_of
from zenith.audit.seal_store import LAST, SealStore
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
        """Of the last seal that is ours; LEGACY also before the first."""
        self.floor = 0
        """No event up to this sequence awaits a seal."""
        self.pruned_before = 0.0
        """What is older was removed: it cannot come again."""
        self._sealed: dict[int, float] = {}
        self._strange: Final[set[str]] = set()
        """Ids of keys that were told of."""
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
        if fault := self._fault(seal):
            damages += self._told_once(seal, fault)
        else:
            self._learn(seal)
            self.kind = seal.kind
        self.head = self._end(seal)
        return damages

    def _learn(self, seal: Seal, *, through: int = LAST) -> None:
        if seal.is_of_rows:
            for sequence, _, _ in seal.triples():
                if sequence <= through:
                    self._sealed[sequence] = seal.at
        if tombstone := seal.tombstone():
            self.pruned_before = max(self.pruned_before, tombstone.before)

    def _fault(self, seal: Seal) -> str | None:
        """Why a seal at the end is not ours."""
        if seal.is_whole() and not self._keys.knows(seal.key_id):
            return f"a seal under the key {seal.key_id}, which this process does not know"
        if seal.is_whole() and self._keys.is_seal_marked(seal.key_id, seal.hash, seal.mac):
            return None
        return "a seal that no process of ours has made"

    def _told_once(self, seal: Seal, fault: str) -> list[Damage]:
        # A key is as strange in the next seal as in the first.
        if seal.is_whole() and not self._keys.knows(seal.key_id):
            if seal.key_id in self._strange:
                return []
            self._strange.add(seal.key_id)
        return [Damage("bad seal", fault, seal.number)]

    def _end(self, seal: Seal) -> Head:
        """What the next seal follows, whatever stands there now."""
        if seal.is_whole():
            return head_of(seal)
        found = cast("object", seal.hash)
        is_hash = isinstance(found, bytes) and len(found) == len(START)
        return Head(seal.number, seal.hash if is_hash else START, self.head.total)

    def _forget(self) -> None:
        # Whatever is put in the place of a chain that was seen, nothing is older than MACs are.
        self.head, self.kind, self.floor = EMPTY, SealKind.EVENTS, 0
        self._sealed, self._is_loaded = {}, False

    async def _load(self) -> list[Damage]:
        """Begin at the end, and go back as far as events may still await a seal."""
        damages: list[Damage] = []
        last = await self._store.head(self._stream)
        if last is not None:
            self.head, self.kind = self._end(last), SealKind.EVENTS
            stone = await self._store.last_tombstone(self._stream)
            if stone is not None and not self._fault(stone):
                self._learn(stone)
        highest: int | None = None
        below: float | None = None
        top = self.head.number
        while top >= 0:
            found = await self._store.seals(
                self._stream, after=max(-1, top - PAGE), limit=min(PAGE, top + 1)
            )
            found = [seal for seal in found if seal.number <= top]
            if not found:
                break
            believed, highest, faults = self._look_back(found, highest)
            damages += faults
            below = self._below(believed, below)
            if below is not None and believed and believed[-1].at < below - OVERLAP:
                break
            top = found[0].number - 1
        self._sealed = {each: at for each, at in self._sealed.items() if each > self.floor}
        self._is_loaded = True
        return damages

    def _look_back(
        self, seals: Sequence[Seal], highest: int | None
    ) -> tuple[list[Seal], int | None, list[Damage]]:
        """Learn from those that are ours, the last first; `highest` is the last place in any of
        them. Below one of ours a key that is gone is held by the chain of hashes, for as far as
        ours came: places that are given later cannot be taken in advance.
        """
        believed: list[Seal] = []
        damages: list[Damage] = []
        for seal in reversed(seals):
            if highest is not None and seal.is_whole() and not self._keys.knows(seal.key_id):
                self._learn(seal, through=highest)
            elif fault := self._fault(seal):
                damages += self._told_once(seal, fault)
                continue
            else:
                if highest is None:
                    self.kind, self.floor = seal.kind, seal.through
                highest = max(highest or self.floor, highest_of(seal))
                self._learn(seal)
            believed.append(seal)
        return believed, highest, damages

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
