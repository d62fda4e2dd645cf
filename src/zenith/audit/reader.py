"""Reading the log, which is itself logged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from zenith.audit.document import timestamp
from zenith.audit.search import AuditQuery, OutcomeCount
from zenith.audit.store import AuditStore, StoredEvent
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import NotFoundError
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.records import dataclass

REPEATED: Final = 600.0
"""Seconds for which the same reader, asking the same again, is not recorded again."""
MAX_REMEMBERED: Final = 1_000
MOST_COUNTED: Final = 100_000
"""Events that one chart counts."""
PAGE: Final = 50
TIMES: Final = frozenset({"since", "until"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """What a search found, and where the next page begins."""

    events: Sequence[StoredEvent]
    next: int | None
    """What to search `before` for the next page; None if this is the last."""


class AuditReader:
    """Searches the log for somebody, and records who looked for what (AUDIT_READ).

    Threat: the one place that knows everything about everybody, read by somebody who leaves no
    trace (ASVS 16.4.2, 16.3.2). The record is stored before anything is shown. To page through what
    was found, to reload it and to draw its chart is one reading: the same reader is recorded again
    for the same question after ten minutes. Whether somebody may read is decided before: here it is
    only written down.
    """

    def __init__(self, store: AuditStore, events: EventSink, *, clock: Clock = wall_clock) -> None:
        self._store: Final = store
        self._events: Final = events
        self._clock: Final = clock
        self._told: Final[OrderedDict[str, float]] = OrderedDict()

    async def search(
        self, query: AuditQuery, *, reader: str, before: int | None = None, limit: int = PAGE
    ) -> AuditPage:
        """A page, newest first. `reader` is the subject id of who asks."""
        await self._tell(reader, query.asked())
        found = await self._store.search(query, before=before, limit=limit + 1)
        more = len(found) > limit
        shown = found[:limit]
        return AuditPage(events=shown, next=shown[-1].sequence if more and shown else None)

    async def following(
        self, query: AuditQuery, *, reader: str, after: int, limit: int = 1000
    ) -> Sequence[StoredEvent]:
        """What was stored after that sequence, oldest first."""
        await self._tell(reader, query.asked())
        return await self._store.search(query, after=after, limit=limit)

    async def counts(
        self, query: AuditQuery, since: float, until: float, *, span: float
    ) -> Sequence[OutcomeCount]:
        """How many of what a search finds between two times, in spans of so many seconds, by
        outcome: a chart beside what was searched for, and no reading of its own.
        """
        within = replace(
            query,
            since=since if query.since is None else max(since, query.since),
            until=until if query.until is None else min(until, query.until),
        )
        return await self._store.counts(within, span=span, most=MOST_COUNTED)

    async def last_verification(self) -> StoredEvent | None:
        """The record of the last verification, which is about the log and about nobody."""
        query = AuditQuery(type=EventType.AUDIT_VERIFIED)
        found = await self._store.search(query, limit=1)
        return found[0] if found else None

    async def open(self, sequence: int, *, reader: str) -> StoredEvent:
        """One event by its place in the log. Raises NotFoundError."""
        found = await self._store.search(AuditQuery(), before=sequence + 1, limit=1)
        if not found or found[0].sequence != sequence:
            raise NotFoundError("There is no such event")
        await self._tell(reader, {"sequence": sequence})
        return found[0]

    async def _tell(self, reader: str, asked: Mapping[str, object]) -> None:
        now, key = self._clock(), f"{reader}\n{_question(asked)}"
        # A clock that was set back has not told anybody yet.
        if 0 <= now - self._told.get(key, -REPEATED) < REPEATED:
            return
        await self._events.record(
            Event(
                type=EventType.AUDIT_READ,
                outcome="success",
                at=now,
                subject=reader,
                target="audit log",
                details={"asked": {name: _text(name, value) for name, value in asked.items()}},
            )
        )
        self._told[key] = now
        self._told.move_to_end(key)
        while len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)


def _question(asked: Mapping[str, object]) -> str:
    """The same for the same question. "Since yesterday" names another second at each call."""
    coarse = {
        name: int(value // REPEATED) if isinstance(value, float) else value
        for name, value in asked.items()
    }
    return repr(sorted(coarse.items()))


def _text(name: str, value: object) -> object:
    return timestamp(value) if name in TIMES and isinstance(value, float) else value
