"""Events that nobody sealed, because their process died."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final

from zenith.audit.chain import Chain, Damage
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.record import AT, EVENT_ID, MAC, SEQUENCE, Record, encoded
from zenith.audit.seal_store import SealStore

PAGE: Final = 5000
UNMARKED: Final = "an event without a MAC of ours was put into the log"
COPY: Final = "an event was put into the log a second time"
PRUNED: Final = "an event that was pruned, or as old, was put into the log again"
MAX_REFUSED: Final = 100_000


class Orphans:
    """Finds rows without a seal. What is there at two looks, and is of no live process, is given
    to be sealed, if it is genuine; what is not is damage.

    Threat: rows that an intruder inserts, among them copies of genuine ones, and which get a seal
    as if a process had left them.
    """

    def __init__(
        self, store: SealStore, chain: Chain, keys: AuditKeys, pending: Pending, stream: str
    ) -> None:
        self._store: Final = store
        self._chain: Final = chain
        self._keys: Final = keys
        self._pending: Final = pending
        self._stream: Final = stream
        self._seen: set[int] = set()
        self._refused: Final[set[int]] = set()
        self._legacy = 0

    @property
    def lowest(self) -> int | None:
        """The first row that still waits."""
        return min(self._seen, default=None)

    async def unmarked(self, limit: int) -> Sequence[Record]:
        """Rows from before there were MACs, each once: those before the first that has one."""
        found = await self._store.records(self._stream, after=self._legacy, limit=limit)
        old = list(takewhile(lambda row: row[MAC] is None, found))
        if old:
            self._legacy = old[-1][SEQUENCE]
        return [row for row in old if not self._chain.is_sealed(row[SEQUENCE])]

    async def look(self) -> tuple[list[Record], list[Damage]]:
        """What to seal, and what is wrong. The chain must have been followed just before."""
        waiting = await self._waiting()
        due = sorted(waiting & self._seen)
        self._seen = waiting
        if not due:
            return [], []
        rows = await self._store.records_at(self._stream, due)
        copies = await self._copies(rows)
        adopted: list[Record] = []
        refused: dict[str, list[int]] = {}
        for row in rows:
            reason = self._fault(row, copies)
            if reason is None:
                adopted.append(row)
            else:
                refused.setdefault(reason, []).append(row[SEQUENCE])
            self._seen.discard(row[SEQUENCE])
        for places in refused.values():
            self._refused.update(places[: MAX_REFUSED - len(self._refused)])
        return adopted, [
            Damage("inserted", reason, places[0], len(places)) for reason, places in refused.items()
        ]

    async def _waiting(self) -> set[int]:
        waiting: set[int] = set()
        after = self._chain.floor
        while found := await self._store.places(self._stream, after=after, limit=PAGE):
            waiting.update(
                sequence
                for sequence, event_id in found
                if not self._chain.is_sealed(sequence)
                and sequence not in self._refused
                and event_id not in self._pending
            )
            after = found[-1][0]
        return waiting

    async def _copies(self, rows: Sequence[Record]) -> set[int]:
        """Those of `rows` whose event stands elsewhere, sealed or before them."""
        ids = [row[EVENT_ID] for row in rows if isinstance(row[EVENT_ID], str)]
        places: dict[str, list[int]] = {}
        for row in await self._store.records_of(self._stream, ids):
            places.setdefault(row[EVENT_ID], []).append(row[SEQUENCE])
        return {each for of_one in places.values() for each in self._all_but_one(of_one)}

    def _all_but_one(self, places: Sequence[int]) -> Iterable[int]:
        genuine = next(filter(self._chain.is_sealed, places), places[0])
        return [each for each in places if each != genuine]

    def _fault(self, row: Record, copies: set[int]) -> str | None:
        data, mac = encoded(row), row[MAC]
        if data is None or not isinstance(mac, bytes) or not self._keys.is_marked(data, mac):
            return UNMARKED
        if row[SEQUENCE] in copies:
            return COPY
        return PRUNED if row[AT] < self._chain.pruned_before else None
