"""Keys that sign tokens, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zenith.tokens.store import StoredKey


class MemoryKeyStore:
    """Keys that end with the process, and their tokens with them."""

    def __init__(self) -> None:
        self._keys: dict[int, StoredKey] = {}

    async def load(self) -> Sequence[StoredKey]:
        """All keys, the oldest first."""
        return [self._keys[generation] for generation in sorted(self._keys)]

    async def add(self, key: StoredKey) -> bool:
        """Store a key unless its generation is there already."""
        taken = any(each.kid == key.kid for each in self._keys.values())
        return not taken and self._keys.setdefault(key.generation, key) is key

    async def retire(self, kid: str, *, at: float) -> bool:
        """Let a key verify no longer than `at`."""
        for key in self._keys.values():
            if key.kid == kid and (key.retired_at is None or key.retired_at > at):
                self._keys[key.generation] = replace(key, retired_at=at)
                return True
        return False

    async def prune(self, *, before: int) -> int:
        """Delete the keys of generations below `before`; how many there were."""
        gone = [generation for generation in self._keys if generation < before]
        for generation in gone:
            del self._keys[generation]
        return len(gone)
