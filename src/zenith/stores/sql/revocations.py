"""Revocations in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, case, delete, select

from zenith.authentication.store import Revocation
from zenith.stores.sql.database import Database, Insert
from zenith.stores.sql.schema import revocations as table

BATCH: Final = 1000
"""Rows in one statement: both databases bound the number of its parameters."""

# Built once: every process asks every second.
_SINCE: Final = select(table).where(table.c.at >= bindparam("moment")).order_by(table.c.at)


class SqlRevocationStore:
    """Revocations; the later of two for the same key counts, however they arrive."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def add(self, revocations: Sequence[Revocation]) -> None:
        """Store all of them in one step, before returning."""
        merged = _merged(revocations)
        if len(merged) <= BATCH:
            if merged:
                await self._database.count(self._upsert(merged))
            return
        async with self._database.transaction() as connection:
            for start in range(0, len(merged), BATCH):
                await connection.execute(self._upsert(merged[start : start + BATCH]))

    async def since(self, moment: float) -> Sequence[Revocation]:
        """Those whose `at` is not before `moment` and that were not pruned."""
        rows = await self._database.rows(_SINCE, {"moment": moment})
        return [Revocation(kind=row.kind, key=row.key, at=row.at, until=row.until) for row in rows]

    async def prune(self, now: float) -> int:
        """Forget those whose `until` has passed; how many there were."""
        return await self._database.count(delete(table).where(table.c.until < now))

    def _upsert(self, revocations: Sequence[Revocation]) -> Insert:
        fresh = self._database.insert(table).values(
            [
                {"kind": each.kind, "key": each.key, "at": each.at, "until": each.until}
                for each in revocations
            ]
        )
        later = {
            name: case(
                (fresh.excluded[name] > table.c[name], fresh.excluded[name]), else_=table.c[name]
            )
            for name in ("at", "until")
        }
        return fresh.on_conflict_do_update(index_elements=[table.c.kind, table.c.key], set_=later)


def _merged(revocations: Sequence[Revocation]) -> list[Revocation]:
    """One for each key, in one order: two processes that store the same keys never wait for each
    other in a circle.
    """
    merged: dict[tuple[str, str], Revocation] = {}
    for each in revocations:
        key = (each.kind, each.key)
        known = merged.get(key, each)
        merged[key] = Revocation(
            kind=each.kind,
            key=each.key,
            at=max(each.at, known.at),
            until=max(each.until, known.until),
        )
    return [merged[key] for key in sorted(merged)]
