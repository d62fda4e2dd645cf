"""The audit log in process memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from zenith.audit.search import AuditQuery, OutcomeCount
from zenith.audit.store import StoredEvent
from zenith.kernel.events import Event


class MemoryAuditStore:
    """The newest `max_entries` events of this process: for tests and for trying out."""

    def __init__(self, *, max_entries: int = 10_000) -> None:
        self._events: Final[deque[StoredEvent]] = deque(maxlen=max_entries)
        self._last = 0

    async def append(self, events: Sequence[Event]) -> None:
        """Store all events in order; the oldest make room."""
        for event in events:
            self._last += 1
            self._events.append(StoredEvent(sequence=self._last, event=event))

    async def page(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        kind: str | None = None,
        subject: str | None = None,
    ) -> Sequence[StoredEvent]:
        """Newest first; those before sequence `before`. `subject` matches actor or target."""
        found = (
            stored
            for stored in reversed(self._events)
            if (before is None or stored.sequence < before)
            and (kind is None or stored.event.type == kind)
            and (subject is None or subject in (stored.event.subject, stored.event.target))
        )
        return list(islice(found, max(0, limit)))

    async def search(
        self,
        query: AuditQuery,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> Sequence[StoredEvent]:
        """What fits, newest first; with `after` what follows that sequence, oldest first."""
        found = (
            stored
            for stored in (self._events if after is not None else reversed(self._events))
            if (before is None or stored.sequence < before)
            and (after is None or stored.sequence > after)
            and query.fits(stored.event)
        )
        return list(islice(found, max(0, limit)))

    async def counts(self, query: AuditQuery, *, span: float, most: int) -> Sequence[OutcomeCount]:
        """How many of the newest `most` that fit there are in each span, by outcome."""
        fitting = (each.event for each in reversed(self._events) if query.fits(each.event))
        counted = Counter((int(each.at // span), each.outcome) for each in islice(fitting, most))
        return [
            OutcomeCount(span=number, outcome=outcome, count=count)
            for (number, outcome), count in counted.items()
        ]
