"""Writes down when and from where keys were used, beside the requests."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from zenith.api_keys.store import APIKeyStore, KeyUse
from zenith.kernel.background import end
from zenith.kernel.errors import SecurityError

INTERVAL: Final = 60.0
"""Seconds between two uses of one key that are written down."""
MAX_WAITING: Final = 10_000
_log: Final = logging.getLogger("zenith.api_keys")


class LastUses:
    """Notes uses of keys and stores them from a task of its own.

    Threat: a key that nobody needs any more and nobody dares to revoke, or one that is used from
    where it should not be (ASVS 13.2.1, 16.2.1); and a write on every request. A use that cannot be
    stored is forgotten: the next one comes.
    """

    def __init__(self, store: APIKeyStore) -> None:
        self._store: Final = store
        self._waiting: dict[str, KeyUse] = {}
        self._wake: Final = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to store what is noted."""
        self._task = asyncio.create_task(self._run(), name="zenith-key-uses")

    async def stop(self) -> None:
        """Store what waits, and end."""
        if self._task is not None:
            await end(self._task)
            self._task = None
        await self._write()

    def note(self, use: KeyUse) -> None:
        """Take a use that need not wait; never blocks, never raises."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting[use.key_id] = use
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._write()

    async def _write(self) -> None:
        uses, self._waiting = tuple(self._waiting.values()), {}
        if not uses:
            return
        try:
            await self._store.note_uses(uses, interval=INTERVAL)
        except (SecurityError, OSError) as error:
            reason = getattr(error, "reason", "") or type(error).__name__
            _log.warning("the last uses of %d keys are not stored: %s", len(uses), reason)
