"""Keys that sign tokens, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, or_, select, update

from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import token_keys as table
from zenith.tokens.store import StoredKey

# Built once: every process asks every second.
_LOAD: Final = select(table).order_by(table.c.generation)


class SqlKeyStore:
    """One row for each key; planning the next one is inserting the next number."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def load(self) -> Sequence[StoredKey]:
        """All keys, the oldest first."""
        return [
            StoredKey(
                generation=row.generation,
                kid=row.kid,
                algorithm=row.algorithm,
                sealed=row.sealed,
                created_at=row.created_at,
                signs_at=row.signs_at,
                retired_at=row.retired_at,
            )
            for row in await self._database.rows(_LOAD)
        ]

    async def add(self, key: StoredKey) -> bool:
        """Store a key unless its generation is there already."""
        fresh = self._database.insert(table).values(
            generation=key.generation,
            kid=key.kid,
            algorithm=key.algorithm,
            sealed=key.sealed,
            created_at=key.created_at,
            signs_at=key.signs_at,
            retired_at=key.retired_at,
        )
        return await self._database.count(fresh.on_conflict_do_nothing()) == 1

    async def retire(self, kid: str, *, at: float) -> bool:
        """Let a key verify no longer than `at`."""
        sooner = or_(table.c.retired_at.is_(None), table.c.retired_at > at)
        retired = update(table).where(table.c.kid == kid, sooner).values(retired_at=at)
        return await self._database.count(retired) == 1

    async def prune(self, *, before: int) -> int:
        """Delete the keys of generations below `before`; how many there were."""
        return await self._database.count(delete(table).where(table.c.generation < before))
