"""Proofs of possession that were seen, in SQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete

from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import token_proofs as table


class SqlProofStore:
    """One row for each proof until it expires; of many that show one, a single one inserts it."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def claim(self, digest: str, *, now: float, expires_at: float) -> bool:
        """Whether the proof was not seen before; from now on it was."""
        fresh = self._database.insert(table).values(digest=digest, expires_at=expires_at)
        # A row whose time is over proves nothing any more, whether it was removed or not.
        taken = fresh.on_conflict_do_update(
            index_elements=[table.c.digest],
            set_={"expires_at": fresh.excluded.expires_at},
            where=table.c.expires_at <= now,
        )
        return await self._database.count(taken) == 1

    async def prune(self, *, now: float) -> int:
        """Forget the proofs that have expired; how many there were."""
        return await self._database.count(delete(table).where(table.c.expires_at <= now))
