"""Sign-ins that wait for a second factor, in SQL."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, update

from zenith.accounts import PendingSignIn
from zenith.sessions import SessionKind
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import pending_sign_ins as pending


class SqlPendingStore:
    """One row for each challenge; counting a try and spending it are one statement each."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def put(self, record: PendingSignIn) -> None:
        """Store a new one."""
        await self._database.count(
            insert(pending).values(
                digest=record.digest,
                account_id=record.account_id,
                kind=record.kind,
                factors=dict(record.factors),
                password_state=record.password_state,
                expires_at=record.expires_at,
                attempts=record.attempts,
            )
        )

    async def find(self, digest: str, *, kind: SessionKind, now: float) -> PendingSignIn | None:
        """The one with this digest and kind if it has not expired."""
        row = await self._database.first(select(pending).where(_alive(digest, kind, now)))
        return None if row is None else _record(row)

    async def attempt(
        self, digest: str, *, kind: SessionKind, now: float, limit: int
    ) -> PendingSignIn | None:
        """Count a try in one step; None if there is no such one or no try left."""
        row = await self._database.first(
            update(pending)
            .where(_alive(digest, kind, now), pending.c.attempts < limit)
            .values(attempts=pending.c.attempts + 1)
            .returning(*pending.c)
        )
        return None if row is None else _record(row)

    async def consume(self, digest: str, *, now: float) -> bool:
        """Remove it in one step; one caller is told True."""
        found = delete(pending).where(pending.c.digest == digest, pending.c.expires_at > now)
        return await self._database.count(found) == 1

    async def end_all(self, account_id: str) -> int:
        """Remove all of the account in one step; how many there were."""
        return await self._database.count(delete(pending).where(pending.c.account_id == account_id))

    async def prune(self, *, now: float) -> int:
        """Remove what has expired; how many there were."""
        return await self._database.count(delete(pending).where(pending.c.expires_at <= now))


def _alive(digest: str, kind: SessionKind, now: float) -> ColumnElement[bool]:
    return and_(pending.c.digest == digest, pending.c.kind == kind, pending.c.expires_at > now)


def _record(row: Row[*tuple[Any, ...]]) -> PendingSignIn:
    return PendingSignIn(
        digest=row.digest,
        account_id=row.account_id,
        kind=row.kind,
        factors=row.factors,
        password_state=row.password_state,
        expires_at=row.expires_at,
        attempts=row.attempts,
    )
