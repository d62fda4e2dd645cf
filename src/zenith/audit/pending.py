"""Events of this process that are stored and not sealed yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

MAX_PENDING: Final = 100_000
"""Events remembered; those beyond are sealed by whoever looks for unsealed rows."""


class Pending:
    """What this process knows of its rows from its own memory, in the order of their commits.

    Threat: a row that is changed or removed between its commit and its seal: the database alone
    could not tell.
    """

    def __init__(self, *, full: int = 100) -> None:
        self._full: Final = full
        self._macs: Final[dict[str, bytes]] = {}
        self._some: Final = asyncio.Event()
        self._many: Final = asyncio.Event()

    def __len__(self) -> int:
        return len(self._macs)

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._macs

    def add(self, marked: Iterable[tuple[str, bytes]]) -> None:
        """Remember events that were just committed."""
        if len(self._macs) >= MAX_PENDING:
            return
        self._macs.update(marked)
        self._some.set()
        if len(self._macs) >= self._full:
            self._many.set()

    def first(self, count: int) -> list[tuple[str, bytes]]:
        """The oldest, id and MAC."""
        return list(islice(self._macs.items(), count))

    def done(self, event_ids: Sequence[str]) -> None:
        """Forget what is sealed."""
        for event_id in event_ids:
            self._macs.pop(event_id, None)
        if not self._macs:
            self._some.clear()
        if len(self._macs) < self._full:
            self._many.clear()

    async def wait(self, delay: float) -> None:
        """Return `delay` seconds after there is something, or sooner once there is much."""
        await self._some.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._many.wait(), delay)
