"""What API keys need from a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from zenith.api_keys.key import APIKey
from zenith.kernel.records import dataclass

CreateOutcome: TypeAlias = Literal["created", "full", "no_owner"]
RotateOutcome: TypeAlias = Literal["rotated", "full", "gone"]
Cursor: TypeAlias = tuple[float, str]
"""`created_at` and `id` of the last key of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """That a key was used, when, and from where."""

    key_id: str
    at: float
    address: str


class APIKeyStore(Protocol):
    """API keys, by their SHA-256. They must survive a restart: SQL in production.

    A key is alive at `now` while `revoked_at` is None and `expires_at`, if any, lies after `now`.
    Each verb is one atomic step, also between processes.
    """

    async def create(self, key: APIKey, *, now: float, most: int) -> CreateOutcome:
        """Store a new key, unless its owner is gone or has `most` living keys already.

        Keys without an owner are not counted. Raises ConflictError if `id` or `prefix` is taken.
        """
        ...

    async def find(self, prefix: str) -> APIKey | None:
        """The key called `prefix`, dead or alive; one indexed query."""
        ...

    async def get(self, key_id: str) -> APIKey | None:
        """The key with this id, dead or alive."""
        ...

    async def of_owner(self, owner_id: str) -> Sequence[APIKey]:
        """The owner's keys that are still kept, the newest first."""
        ...

    async def page(self, *, after: Cursor | None, limit: int) -> Sequence[APIKey]:
        """Everybody's keys, the newest first, those after the cursor."""
        ...

    async def rotate(
        self, key_id: str, successor: APIKey, *, now: float, until: float, most: int
    ) -> RotateOutcome:
        """Store `successor` and let the old key expire at `until` at the latest, unless it is dead
        or has a successor already, or its owner would have more than `most` living keys then: in
        these cases nothing changes. Of many callers one wins. Keys without an owner do not count.
        """
        ...

    async def revoke(self, key_id: str, *, now: float) -> bool:
        """Set `revoked_at`; False if it is set already or there is no such key."""
        ...

    async def revoke_all(self, owner_id: str, *, now: float) -> Sequence[str]:
        """Revoke every key of an owner that is not revoked yet; their ids."""
        ...

    async def note_uses(self, uses: Sequence[KeyUse], *, interval: float) -> None:
        """Write down uses, each unless its key has one that is less than `interval` seconds old."""
        ...

    async def prune(self, *, before: float) -> int:
        """Remove keys that were revoked or expired before this time; how many it were."""
        ...
