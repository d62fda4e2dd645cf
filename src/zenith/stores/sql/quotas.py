"""Quotas, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, delete, func, select, update

from zenith.rate_limits.allowance import Span
from zenith.rate_limits.store import Taken
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import quotas


class SqlQuotaStore:
    """One row for each caller's quota and part of time.

    SQLite has one writer. PostgreSQL takes an advisory lock for each caller's quota, since a row
    that is not there yet cannot be locked, and a sum of rows cannot either.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def take(self, row: str, *, span: Span, limit: int, need: int, most: int) -> Taken:
        """As QuotaStore."""
        async with self._database.transaction() as connection:
            await self._database.lock(connection, int(row[:16], 16) - 2**63)
            found = (await connection.execute(_counting(row, span.since, span.until))).all()
            counts = [(each.bucket, each.used) for each in found]
            room = limit - sum(count for _, count in counts)
            if room < need:
                return Taken(0, counts)
            granted = min(most, room)
            fresh = self._database.insert(quotas).values(
                key=row,
                bucket=span.bucket,
                used=granted,
                expires_at=float(span.ends + span.forgets),
            )
            await connection.execute(
                fresh.on_conflict_do_update(
                    index_elements=[quotas.c.key, quotas.c.bucket],
                    set_={"used": quotas.c.used + granted},
                )
            )
        return Taken(granted, counts)

    async def give_back(self, row: str, *, bucket: int, count: int) -> None:
        """As QuotaStore."""
        left = func.greatest if self._database.dialect == "postgresql" else func.max
        await self._database.count(
            update(quotas)
            .where(quotas.c.key == row, quotas.c.bucket == bucket)
            .values(used=left(quotas.c.used - count, 0))
        )

    async def read(self, row: str, *, since: int, until: int) -> Sequence[tuple[int, int]]:
        """As QuotaStore."""
        found = await self._database.rows(_counting(row, since, until))
        return [(each.bucket, each.used) for each in found]

    async def prune(self, *, now: float) -> int:
        """As QuotaStore."""
        return await self._database.count(delete(quotas).where(quotas.c.expires_at <= now))


def _counting(row: str, since: int, until: int) -> Select[Any, Any]:
    return (
        select(quotas.c.bucket, quotas.c.used)
        .where(quotas.c.key == row, quotas.c.bucket.between(since, until))
        .order_by(quotas.c.bucket)
    )
