"""Secrets that may be used once, in process memory."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import ConflictError
from zenith.kernel.records import dataclass
from zenith.stores.memory.expiry import Expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    purpose: str
    subject: str
    expires_at: float


class MemoryOneTimeStore:
    """One-time secrets that end with the process. Beyond `max_entries` the one that expires first
    is forgotten: its holder asks for another.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._entries: dict[str, _Entry] = {}
        self._digests: dict[tuple[str, str], str] = {}
        self._expiry: Final = Expiry[str](self._end_of)

    async def put(
        self, digest: str, *, purpose: str, subject: str, now: float, expires_at: float
    ) -> None:
        """Remember a secret; one for the same purpose and subject is replaced."""
        for expired in self._expiry.due(now):
            self._remove(expired)
        replaced = self._digests.get((purpose, subject))
        if digest in self._entries and digest != replaced:
            raise ConflictError(reason="one-time digest is taken")
        if replaced is not None:
            self._remove(replaced)
        while len(self._entries) >= self._max and (soonest := self._expiry.soonest()) is not None:
            self._remove(soonest)
        self._entries[digest] = _Entry(purpose=purpose, subject=subject, expires_at=expires_at)
        self._digests[purpose, subject] = digest
        self._expiry.add(digest, expires_at, held=len(self._entries))

    async def consume(self, digest: str, *, purpose: str, now: float) -> str | None:
        """Remove the secret and return its subject."""
        entry = self._usable(digest, purpose, now)
        if entry is None:
            return None
        self._remove(digest)
        return entry.subject

    async def check(self, digest: str, *, purpose: str, now: float) -> str | None:
        """Its subject if it could be consumed now."""
        entry = self._usable(digest, purpose, now)
        return None if entry is None else entry.subject

    async def prune(self, *, now: float) -> int:
        """Remove expired secrets; how many there were."""
        pruned = 0
        for digest in self._expiry.due(now, None):
            self._remove(digest)
            pruned += 1
        return pruned

    def _usable(self, digest: str, purpose: str, now: float) -> _Entry | None:
        entry = self._entries.get(digest)
        if entry is None or entry.purpose != purpose or entry.expires_at <= now:
            return None
        return entry

    def _remove(self, digest: str) -> None:
        entry = self._entries.pop(digest)
        del self._digests[entry.purpose, entry.subject]

    def _end_of(self, digest: str) -> float | None:
        entry = self._entries.get(digest)
        return None if entry is None else entry.expires_at
