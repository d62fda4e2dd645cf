"""What the audit log needs from a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zenith.audit.search import AuditQuery, OutcomeCount
from zenith.kernel.events import Event
from zenith.kernel.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event and its place in the log."""

    sequence: int
    event: Event


class AuditStore(Protocol):
    """An append-only log."""

    async def append(self, events: Sequence[Event]) -> None:
        """Store all events in order, in one step, before returning."""
        ...

    async def page(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        kind: str | None = None,
        subject: str | None = None,
    ) -> Sequence[StoredEvent]:
        """Newest first; those before sequence `before`. `kind` is an event's type,
        `subject` matches actor or target.
        """
        ...

    async def search(
        self,
        query: AuditQuery,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> Sequence[StoredEvent]:
        """What fits, newest first: those before sequence `before`. With `after` those that follow
        that sequence, oldest first.
        """
        ...

    async def counts(self, query: AuditQuery, *, span: float, most: int) -> Sequence[OutcomeCount]:
        """How many of the newest `most` events that fit there are in each span of so many seconds,
        by outcome.
        """
        ...
