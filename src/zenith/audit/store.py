"""What the audit log needs from a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zenith.kernel.events import Event


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
