"""Stores that fail on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from zenith.audit import StoredEvent
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.stores.memory import MemoryAuditStore

LOGIN = EventType.LOGIN_SUCCESS


def event(kind: EventType = LOGIN, **fields: Any) -> Event:
    return Event(**{"type": kind, "outcome": "success", "at": 1_800_000_000.5, **fields})


class Store(MemoryAuditStore):
    """Raises `failure` while it is set, and waits while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[int] = []

    async def append(self, events: Sequence[Event]) -> None:
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.batches.append(len(events))
        await super().append(events)

    async def events(self) -> list[StoredEvent]:
        return [*reversed(await self.page(limit=100_000))]

    async def subjects(self) -> list[str | None]:
        return [stored.event.subject for stored in await self.events()]


AWAY = ServiceUnavailableError(reason="database: gone")
