"""Proofs of possession that were seen, in process memory."""

from __future__ import annotations

from typing import Final

from zenith.kernel.errors import ServiceUnavailableError
from zenith.stores.memory.expiry import Expiry


class MemoryProofStore:
    """Seen proofs of one process. Where `max_entries` are live, further ones are refused: what
    cannot be remembered could be used twice.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._ends: dict[str, float] = {}
        self._expiry: Final = Expiry[str](self._ends.get)

    async def claim(self, digest: str, *, now: float, expires_at: float) -> bool:
        """Whether the proof was not seen before; from now on it was."""
        for gone in self._expiry.due(now):
            del self._ends[gone]
        if self._ends.get(digest, now) > now:
            return False
        if len(self._ends) >= self._max:
            raise ServiceUnavailableError(reason="more proofs are live than can be remembered")
        self._ends[digest] = expires_at
        self._expiry.add(digest, expires_at, held=len(self._ends))
        return True

    async def prune(self, *, now: float) -> int:
        """Forget the proofs that have expired; how many there were."""
        gone = list(self._expiry.due(now, limit=None))
        for digest in gone:
            self._ends.pop(digest, None)
        return len(gone)
