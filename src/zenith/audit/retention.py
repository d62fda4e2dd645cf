"""Removes what is old, and leaves proof of what it was."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from random import uniform
from typing import Final

from zenith.audit.errors import BrokenLogError
from zenith.audit.key_order import KeyOrder
from zenith.audit.keys import AuditKeys
from zenith.audit.record import SEQUENCE, as_time, leaf
from zenith.audit.seal import START, Seal, SealKind, Tombstone, head_of, make_seal
from zenith.audit.seal_store import SealStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.one_step import one_step
from zenith.kernel.records import dataclass

SEALS: Final = 64
"""Seals removed in one step."""
RETRY: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What one pruning removed."""

    seals: int = 0
    events: int = 0
    through: int | None = None
    """The last seal that is gone."""


class Retention:
    """Prunes the beginning of a stream, whole seals at a time.

    Threat: evidence that is destroyed under the name of housekeeping, and personal data that is
    kept for ever (ASVS 14.2.7). Before anything goes it is verified: what was tampered with stays,
    and the pruning ends there. What goes leaves a tombstone in the chain, in the same step, with
    counts, times and digests, and an AUDIT_PRUNED event. The newest seal stays.
    """

    def __init__(
        self,
        store: SealStore,
        keys: AuditKeys,
        events: EventSink,
        *,
        stream: str,
        writer: str,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._keys: Final = keys
        self._events: Final = events
        self._stream: Final = stream
        self._writer: Final = writer
        self._clock: Final = clock

    async def prune(
        self, *, before: float, by: str | None = None, progress: Callable[[int], None] | None = None
    ) -> Pruned:
        """Remove the events whose seals were made before that time. Raises BrokenLogError, with
        what was intact before it gone, at the first seal that is not as it was made, and
        SecurityError where the database cannot be asked.
        """
        gone, order = Pruned(), KeyOrder(self._keys)
        while seals := await self._due(before):
            try:
                sequences = await self._verified(seals, order)
            except BrokenLogError:
                if await self._is_first(seals[0]):
                    raise
                continue  # Another process pruned them in the meantime.
            stone = _tombstone(seals, len(sequences), before)
            if not await self._bury(stone, sequences, by):
                await asyncio.sleep(uniform(0, RETRY))  # noqa: S311  spreads attempts
                continue
            gone = Pruned(
                seals=gone.seals + len(seals),
                events=gone.events + len(sequences),
                through=stone.through,
            )
            if progress is not None:
                progress(gone.events)
        return gone

    async def _is_first(self, seal: Seal) -> bool:
        found = await self._store.seals(self._stream, after=-1, limit=1)
        return bool(found) and found[0].number == seal.number

    async def _due(self, before: float) -> Sequence[Seal]:
        found = await self._store.seals(self._stream, after=-1, limit=SEALS + 1)
        last = len(found) if len(found) > SEALS else len(found) - 1
        due: list[Seal] = []
        for seal in found[: min(SEALS, max(0, last))]:
            made = as_time(seal.at)
            if made is None or made >= before:
                break
            due.append(seal)
        # A tombstone alone gives nothing back, and a new one would take its place for ever.
        return due if any(seal.kind != SealKind.PRUNED for seal in due) else ()

    async def _verified(self, seals: Sequence[Seal], order: KeyOrder) -> list[int]:
        """The places of their events, all as they were sealed."""
        expected: dict[int, bytes] = {}
        last = await self._before(seals[0])
        for seal in seals:
            if (seal.number - 1, seal.previous) != last or order.fault(seal) is not None:
                raise BrokenLogError(self._stream, seal.number)
            last = (seal.number, seal.hash)
            if seal.is_of_rows:
                expected |= {place: digest for place, _, digest in seal.triples()}
        rows = await self._store.records_at(self._stream, sorted(expected))
        if {row[SEQUENCE]: leaf(row) for row in rows} != expected:
            raise BrokenLogError(self._stream, seals[0].number)
        return sorted(expected)

    async def _before(self, first: Seal) -> tuple[int, bytes]:
        """Number and hash of what was before the first seal that is left: nothing, or what a
        tombstone accounts for. What somebody cut off must not be passed over by what is pruned.
        """
        if first.number == 0:
            return -1, START
        found = await self._store.last_tombstone(self._stream)
        if found is not None and found.is_whole():
            is_ours = self._is_genuine(found) or not self._keys.knows(found.key_id)
            stone = found.tombstone() if is_ours else None
            if stone is not None:
                return stone.through, stone.last_hash
        raise BrokenLogError(self._stream, first.number)

    def _is_genuine(self, seal: Seal) -> bool:
        return seal.is_whole() and self._keys.is_seal_marked(seal.key_id, seal.hash, seal.mac)

    async def _bury(self, stone: Tombstone, sequences: Sequence[int], by: str | None) -> bool:
        head = await self._store.head(self._stream)
        if head is None or not self._is_genuine(head):
            raise BrokenLogError(self._stream, -1 if head is None else head.number)
        seal = make_seal(
            self._keys,
            head_of(head),
            stone,
            stream=self._stream,
            kind=SealKind.PRUNED,
            at=self._clock(),
            writer=self._writer,
            through=head.through,
        )
        async with one_step():
            if not await self._store.prune(
                seal, through=stone.through, count=stone.seals, sequences=sequences
            ):
                return False
            await self._events.record(self._event(stone, seal, by))
        return True

    def _event(self, stone: Tombstone, seal: Seal, by: str | None) -> Event:
        return Event(
            type=EventType.AUDIT_PRUNED,
            outcome="success",
            at=seal.at,
            subject=by,
            target=f"audit:{self._stream}",
            severity="WARNING",
            reason="older than is to be kept",
            details={
                "seals": stone.seals,
                "events": stone.events,
                "through": stone.through,
                "before": stone.before,
                "tombstone": seal.number,
            },
        )


def _tombstone(seals: Sequence[Seal], events: int, before: float) -> Tombstone:
    return Tombstone(
        through=seals[-1].number,
        seals=len(seals),
        events=events,
        first_at=seals[0].at,
        last_at=seals[-1].at,
        before=before,
        last_hash=seals[-1].hash,
        digest=hashlib.sha256(b"".join(seal.hash for seal in seals)).digest(),
    )
