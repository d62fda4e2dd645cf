"""Rotation in two steps: what the second look finds where the first was too early."""

from __future__ import annotations

from typing import Any

from zenith.stores.sql import Database, SqlRefreshStore
from zenith.tokens.store import RefreshFamily


class Hasty(Database):
    """Its first look sees nothing, as if the family came a moment later."""

    looks = 0

    async def first(self, *arguments: Any) -> Any:
        self.looks += 1
        return await super().first(*arguments) if self.looks > 1 else None


async def test_a_token_that_came_late_is_rotated(upgraded_url: str) -> None:
    async with Hasty(upgraded_url) as database:
        store = SqlRefreshStore(database)
        await store.start(
            RefreshFamily(
                id="f", account_id="a", handle="h", current="t0", created_at=1.0, expires_at=9.0
            )
        )
        for turn in range(2):
            rotation = await store.rotate(
                handle="h", presented=f"t{turn}", successor=f"t{turn + 1}", now=5.0, grace=1.0
            )
            assert (rotation.outcome, rotation.current) == ("rotated", f"t{turn + 1}")
