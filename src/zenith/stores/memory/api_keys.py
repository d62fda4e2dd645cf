"""API keys in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from zenith.api_keys.key import APIKey
from zenith.api_keys.store import CreateOutcome, Cursor, KeyUse, RotateOutcome
from zenith.kernel.errors import ConflictError, ServiceUnavailableError


class MemoryAPIKeyStore:
    """API keys that end with the process: for tests and for trying out.

    `max_entries` bounds the memory; beyond it ServiceUnavailableError is raised.
    """

    def __init__(self, *, max_entries: int = 100_000) -> None:
        self._max: Final = max_entries
        self._keys: dict[str, APIKey] = {}
        self._ids: dict[str, str] = {}
        self._of: dict[str | None, set[str]] = {}

    async def create(self, key: APIKey, *, now: float, most: int) -> CreateOutcome:
        """Store a new key, unless its owner has `most` living keys already."""
        if key.owner_id is not None and self._living(key.owner_id, now) >= most:
            return "full"
        self._add(key)
        return "created"

    async def find(self, prefix: str) -> APIKey | None:
        """The key called `prefix`."""
        return self._keys.get(self._ids.get(prefix, ""))

    async def get(self, key_id: str) -> APIKey | None:
        """The key with this id."""
        return self._keys.get(key_id)

    async def of_owner(self, owner_id: str) -> Sequence[APIKey]:
        """The owner's keys, the newest first."""
        own = [self._keys[each] for each in self._of.get(owner_id, ())]
        return sorted(own, key=_place, reverse=True)

    async def page(self, *, after: Cursor | None, limit: int) -> Sequence[APIKey]:
        """Everybody's keys, the newest first, those after the cursor."""
        keys = sorted(self._keys.values(), key=_place, reverse=True)
        return [key for key in keys if after is None or _place(key) < after][:limit]

    async def rotate(
        self, key_id: str, successor: APIKey, *, now: float, until: float, most: int
    ) -> RotateOutcome:
        """Store `successor` and let the old key, if it is alive and has none yet, expire."""
        old = self._keys.get(key_id)
        if old is None or old.replaced_by is not None or not old.is_alive(now):
            return "gone"
        ended = 1 if until <= now else 0
        if old.owner_id is not None and self._living(old.owner_id, now) - ended >= most:
            return "full"
        self._add(successor)
        end = until if old.expires_at is None else min(old.expires_at, until)
        self._keys[key_id] = replace(old, replaced_by=successor.id, expires_at=end)
        return "rotated"

    async def revoke(self, key_id: str, *, now: float) -> bool:
        """Set `revoked_at`."""
        key = self._keys.get(key_id)
        if key is None or key.revoked:
            return False
        self._keys[key_id] = replace(key, revoked_at=now)
        return True

    async def revoke_all(self, owner_id: str, *, now: float) -> Sequence[str]:
        """Revoke every key of an owner that is not revoked yet."""
        ids = [each for each in self._of.get(owner_id, ()) if not self._keys[each].revoked]
        for key_id in ids:
            self._keys[key_id] = replace(self._keys[key_id], revoked_at=now)
        return ids

    async def note_uses(self, uses: Sequence[KeyUse], *, interval: float) -> None:
        """Write down uses, each unless its key has one that is recent."""
        for use in uses:
            key = self._keys.get(use.key_id)
            if key is None or (key.last_used_at or float("-inf")) > use.at - interval:
                continue
            used = replace(key, last_used_at=use.at, last_used_address=use.address)
            self._keys[use.key_id] = used

    async def prune(self, *, before: float) -> int:
        """Remove keys that were revoked or expired before this time."""
        dead = [key for key in self._keys.values() if _ended(key) < before]
        for key in dead:
            del self._keys[key.id], self._ids[key.prefix]
            self._of[key.owner_id].discard(key.id)
        return len(dead)

    def _living(self, owner_id: str, now: float) -> int:
        return sum(self._keys[each].is_alive(now) for each in self._of.get(owner_id, ()))

    def _add(self, key: APIKey) -> None:
        if key.id in self._keys or key.prefix in self._ids:
            raise ConflictError(reason="key id or prefix is taken")
        if len(self._keys) >= self._max:
            raise ServiceUnavailableError(reason=f"memory holds {self._max} API keys already")
        self._keys[key.id] = key
        self._ids[key.prefix] = key.id
        self._of.setdefault(key.owner_id, set()).add(key.id)


def _place(key: APIKey) -> Cursor:
    return key.created_at, key.id


def _ended(key: APIKey) -> float:
    never = float("inf")
    revoked = never if key.revoked_at is None else key.revoked_at
    return min(revoked, never if key.expires_at is None else key.expires_at)
