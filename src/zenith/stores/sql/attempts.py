"""Failed attempts, in SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from sqlalchemy import delete, func, select

from zenith.abuse import Changes, Standing, Standings
from zenith.stores.sql.database import Database
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import attempts

T = TypeVar("T")
_COLUMNS: Final = ("failures", "blocked_until", "waiting_until", "expires_at")


class SqlAttemptStore:
    """A row for each place, account, address and spent proof.

    SQLite has one writer. PostgreSQL takes an advisory lock for each key, in one order for all,
    since a row that is not there yet cannot be locked.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def settle(
        self, keys: Sequence[str], step: Callable[[Standings], tuple[T, Changes]]
    ) -> T:
        """Read, judge and write in one transaction."""
        async with self._database.transaction() as connection:
            if self._database.dialect == "postgresql":
                names = sorted({_lock_name(key) for key in keys})
                await connection.execute(select(*map(func.pg_advisory_xact_lock, names)))
            found = await connection.execute(select(attempts).where(attempts.c.key.in_(keys)))
            standings = {
                row.key: Standing(
                    row.failures, row.blocked_until, row.waiting_until, row.expires_at
                )
                for row in found
            }
            result, changes = step(standings)
            await self._store(connection, changes)
        return result

    async def prune(self, *, now: float) -> int:
        """Remove what has expired, but for what somebody settles now: two that waited for each
        other's rows would both be refused.
        """
        expired = select(attempts.c.key).where(attempts.c.expires_at <= now)
        return await self._database.count(
            delete(attempts).where(attempts.c.key.in_(expired.with_for_update(skip_locked=True)))
        )

    async def _store(self, connection: StoreConnection, changes: Changes) -> None:
        gone = [key for key, standing in changes.items() if standing is None]
        if gone:
            await connection.execute(delete(attempts).where(attempts.c.key.in_(gone)))
        rows = [
            {"key": key, **{name: getattr(standing, name) for name in _COLUMNS}}
            for key, standing in changes.items()
            if standing is not None
        ]
        if rows:
            fresh = self._database.insert(attempts).values(rows)
            await connection.execute(
                fresh.on_conflict_do_update(
                    index_elements=[attempts.c.key],
                    set_={name: fresh.excluded[name] for name in _COLUMNS},
                )
            )


def _lock_name(key: str) -> int:
    digest = hashlib.sha256(b"zenith_attempts\n" + key.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
