"""Sign-ins that wait for a second factor, in process memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from zenith.accounts import PendingSignIn
from zenith.sessions import SessionKind
from zenith.stores.memory.expiry import Expiry


class MemoryPendingStore:
    """Waiting sign-ins that end with the process. Beyond `max_entries` the one that expires first
    is forgotten: its owner signs in again.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._entries: dict[str, PendingSignIn] = {}
        self._expiry: Final = Expiry[str](self._end_of)

    async def put(self, record: PendingSignIn) -> None:
        """Store a new one."""
        while len(self._entries) >= self._max and (soonest := self._expiry.soonest()) is not None:
            del self._entries[soonest]
        self._entries[record.digest] = record
        self._expiry.add(record.digest, record.expires_at, held=len(self._entries))

    async def find(self, digest: str, *, kind: SessionKind, now: float) -> PendingSignIn | None:
        """The one with this digest and kind if it has not expired."""
        found = self._entries.get(digest)
        if found is None or found.kind != kind or found.expires_at <= now:
            return None
        return found

    async def attempt(
        self, digest: str, *, kind: SessionKind, now: float, limit: int
    ) -> PendingSignIn | None:
        """Count a try; None if there is no such one or no try left."""
        found = await self.find(digest, kind=kind, now=now)
        if found is None or found.attempts >= limit:
            return None
        counted = replace(found, attempts=found.attempts + 1)
        self._entries[digest] = counted
        return counted

    async def consume(self, digest: str, *, now: float) -> bool:
        """Remove it; one caller is told True."""
        found = self._entries.get(digest)
        if found is None or found.expires_at <= now:
            return False
        del self._entries[digest]
        return True

    async def end_all(self, account_id: str) -> int:
        """Remove all of the account; how many there were."""
        found = [key for key, each in self._entries.items() if each.account_id == account_id]
        for digest in found:
            del self._entries[digest]
        return len(found)

    async def prune(self, *, now: float) -> int:
        """Remove what has expired; how many there were."""
        pruned = 0
        for digest in self._expiry.due(now, None):
            del self._entries[digest]
            pruned += 1
        return pruned

    def _end_of(self, digest: str) -> float | None:
        found = self._entries.get(digest)
        return None if found is None else found.expires_at
