"""Seals events soon after they are stored, beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import uniform
from typing import Final

from zenith.audit.adoption import Orphans
from zenith.audit.chain import Chain, Damage
from zenith.audit.checkpoint import Checkpoint, sign_checkpoint
from zenith.audit.keys import AuditKeys
from zenith.audit.pending import Pending
from zenith.audit.record import EVENT_ID, MAC, SEQUENCE, Record, encoded, leaf
from zenith.audit.seal import (
    MAX_ENTRIES,
    Entry,
    SealKind,
    Tombstone,
    make_seal,
    raw_id,
)
from zenith.audit.seal_store import LAST, SealStore
from zenith.audit.settings import AuditSettings
from zenith.kernel.background import end
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import SecurityError, ServiceUnavailableError
from zenith.kernel.events import Event, EventSink, EventType

CheckpointPlace = Callable[[Checkpoint], Awaitable[None]]
Found = Callable[[], Awaitable["Checkpoint | None"]]
LOOK: Final = 30.0
"""Seconds between two looks for what others left unsealed: what is there at two looks is theirs no
more."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
STOP_TIMEOUT: Final = 10.0
RETRY: Final = 0.02
"""Seconds at most until the next attempt, where another process took the number."""
INDEXED: Final = 100
"""Rows put into the indexes of searches at once: whoever writes waits for it."""
_log: Final = logging.getLogger("zenith.audit")


class Sealer:
    """Chains the events of one stream, with any number of processes that do the same.

    Threat: a log that whoever may write to the database can edit, cut or reorder unseen
    (ASVS 16.4.2). An event has a MAC from its first moment. Within `seal_delay`, or once there are
    `seal_events`, this process reads its rows back, holds them against what it remembers of them,
    and appends a seal with their places and digests to the chain. No lock is held: the number of a
    seal is taken by one INSERT, and whoever loses it tries the next. What a dead process left is
    sealed by another one after two looks. Where the store leaves it for later, the indexes of
    searches are filled at the same time. Whatever only an intruder can have done is alarmed at once
    (AUDIT_BROKEN), and the chain goes on.
    """

    def __init__(
        self,
        store: SealStore,
        pending: Pending,
        keys: AuditKeys,
        events: EventSink,
        settings: AuditSettings,
        *,
        writer: str,
        places: Sequence[CheckpointPlace] = (),
        last_checkpoint: Found | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._pending: Final = pending
        self._keys: Final = keys
        self._events: Final = events
        self._settings: Final = settings
        self._writer: Final = writer
        self._places: Final = tuple(places)
        self._last_checkpoint: Final = last_checkpoint
        self._clock: Final = clock
        self._stream: Final = settings.stream
        self._chain: Final = Chain(store, keys, settings.stream)
        self._orphans: Final = Orphans(store, self._chain, keys, pending, settings.stream)
        self._alarmed: Final[set[Damage]] = set()
        self._lock: Final = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._marked = -1
        """Number of the last seal with a checkpoint."""
        self._marked_at = clock()

    async def start(self) -> None:
        """Compare the chain with its last checkpoint, and begin to seal."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._seal_on(), name="zenith-audit-seals"),
                asyncio.create_task(self._look_on(), name="zenith-audit-orphans"),
            ]

    async def stop(self) -> None:
        """Seal what waits, for at most ten seconds, and end; also if it never began."""
        tasks, self._tasks = self._tasks, []
        # Between two steps: a connection that is opened for who is gone outlives the event loop.
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT), self._lock:
                for task in tasks:
                    await end(task)
        for task in tasks:
            await end(task)
        if len(self._pending):
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self.seal()
            except (SecurityError, OSError, TimeoutError):
                _log.warning("audit: %d events will be sealed by others", len(self._pending))

    async def seal(self) -> int:
        """Seal everything that waits in this process; how many events. Raises SecurityError where
        the database cannot be asked.
        """
        count = 0
        async with self._lock:
            while batch := self._pending.first(MAX_ENTRIES):
                await self._seal_batch(dict(batch))
                self._pending.done([event_id for event_id, _ in batch])
                count += len(batch)
            await self._index()
        return count

    async def look(self) -> int:
        """Seal what others left unsealed since the last look; how many events."""
        async with self._lock:
            await self._follow()
            count = 0
            while self._chain.kind == SealKind.LEGACY:
                old = await self._orphans.unmarked(MAX_ENTRIES)
                if not old:
                    break
                await self._append(SealKind.LEGACY, old)
                count += len(old)
            adopted, damages = await self._orphans.look()
            self._alarm(damages)
            for start in range(0, len(adopted), MAX_ENTRIES):
                await self._append(SealKind.ADOPTED, adopted[start : start + MAX_ENTRIES])
            self._chain.settle(self._clock(), self._orphans.lowest)
            await self._index()
            return count + len(adopted)

    async def checkpoint(self) -> Checkpoint | None:
        """Sign how far the chain has come and bring it to every place; None if it has not moved."""
        head = self._chain.head
        if head.number <= self._marked:
            return None
        made = sign_checkpoint(self._keys, self._stream, head, self._clock())
        for place in self._places:
            await place(made)
        self._marked, self._marked_at = head.number, made.at
        return made

    async def compare(self) -> None:
        """Alarm if the chain is not the one of the last checkpoint: it was set back or replaced."""
        last = None if self._last_checkpoint is None else await self._last_checkpoint()
        if last is None:
            return
        # One under a key that is gone, None, is compared all the same: to forge it alarms.
        if last.is_signed(self._keys.public) is False:
            self._alarm([Damage("bad checkpoint", "not signed by a key of ours", last.number)])
            return
        found = await self._store.seals(self._stream, after=last.number - 1, limit=1)
        if not found:
            reason = "the chain ends before its last checkpoint"
            self._alarm([Damage("truncated", reason, last.number)])
        elif found[0].number == last.number and found[0].hash != last.hash:
            reason = "the chain is not the one of its last checkpoint"
            self._alarm([Damage("forked", reason, last.number)])
        else:
            self._marked = last.number

    async def _seal_batch(self, batch: dict[str, bytes]) -> None:
        await self._follow()
        rows = await self._store.records_of(self._stream, list(batch))
        known = {row[EVENT_ID]: row for row in reversed(rows)}
        present: list[Record] = []
        missing: list[Entry] = []
        for event_id, mac in batch.items():
            row = known.get(event_id)
            if row is not None and row[MAC] == mac and self._is_as_written(row):
                present.append(row)
            else:
                missing.append(Entry(0, raw_id(event_id), mac[-32:]))
        if present:
            await self._append(SealKind.EVENTS, present)
        if missing:
            gone = "an event was changed or removed before its seal"
            self._alarm([Damage("deleted", gone, self._chain.head.number + 1)])
            await self._append(SealKind.MISSING, missing)

    def _is_as_written(self, row: Record) -> bool:
        data = encoded(row)
        return data is not None and self._keys.is_marked(data, row[MAC])

    async def _append(self, kind: SealKind, what: Sequence[Record] | Sequence[Entry]) -> None:
        while True:
            entries = self._entries(what)
            if not entries:
                return
            if await self._try(kind, entries):
                return
            await asyncio.sleep(uniform(0, RETRY))  # noqa: S311  spreads attempts, guards nothing
            await self._follow()

    def _entries(self, what: Sequence[Record] | Sequence[Entry]) -> list[Entry]:
        """What is to be sealed, without what others sealed in the meantime."""
        made = [each if isinstance(each, Entry) else _entry(each) for each in what]
        return [each for each in made if not each.sequence or not self._chain.is_sealed(each[0])]

    async def _try(self, kind: SealKind, entries: Sequence[Entry] | Tombstone) -> bool:
        if self._chain.head.number >= LAST:
            raise ServiceUnavailableError(reason="a forged seal has taken the last number")
        seal = make_seal(
            self._keys,
            self._chain.head,
            entries,
            stream=self._stream,
            kind=kind,
            at=self._clock(),
            writer=self._writer,
            through=self._chain.floor,
        )
        if not await self._store.append(seal):
            return False
        self._chain.added(seal)
        if seal.number % self._settings.checkpoint_seals == 0:
            await self._mark()
        return True

    async def _index(self) -> None:
        indexed = INDEXED
        while indexed == INDEXED:
            indexed = await self._store.index(limit=INDEXED)

    async def _follow(self) -> None:
        self._alarm(await self._chain.follow())

    def _alarm(self, damages: Sequence[Damage]) -> None:
        for damage in damages:
            if damage in self._alarmed:
                continue
            self._alarmed.add(damage)
            self._events.note(
                Event(
                    type=EventType.AUDIT_BROKEN,
                    outcome="error",
                    at=self._clock(),
                    target=f"audit:{self._stream}",
                    severity="CRITICAL",
                    reason=damage.reason,
                    details={
                        "kind": damage.kind,
                        "place": damage.place,
                        "count": damage.count,
                    },
                )
            )
            _log.critical("audit: %s (%s, %d)", damage.reason, damage.kind, damage.place)

    async def _mark(self) -> None:
        try:
            await self.checkpoint()
        except OSError as error:
            _log.critical("audit checkpoint: %s", error.strerror)

    async def _seal_on(self) -> None:
        pause = FIRST_PAUSE
        while True:
            await self._pending.wait(self._settings.seal_delay)
            try:
                await self.seal()
            except (SecurityError, OSError) as error:
                _tell(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                pause = FIRST_PAUSE

    async def _look_on(self) -> None:
        while True:
            with suppress(SecurityError, OSError):
                async with self._lock:
                    await self.compare()
                break
            await asyncio.sleep(FIRST_PAUSE)
        while True:
            try:
                await self.look()
            except (SecurityError, OSError) as error:
                _tell(error)
            if self._clock() - self._marked_at >= self._settings.checkpoint_interval:
                await self._mark()
            await asyncio.sleep(LOOK)


def _entry(row: Record) -> Entry:
    return Entry(row[SEQUENCE], raw_id(row[EVENT_ID]), leaf(row))


def _tell(error: Exception) -> None:
    reason = getattr(error, "reason", "") or type(error).__name__
    _log.warning("audit: events wait for their seals: %s", reason)
