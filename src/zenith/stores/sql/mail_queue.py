"""Mails that wait, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from zenith.mail import ClaimedMail, QueuedMail
from zenith.stores.sql.database import Database
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import mail_queue as table

# Built once: every process asks every other second.
_NEXT: Final = select(func.min(table.c.due_at).label("due_at"))
_WAITING: Final = select(func.count()).select_from(table)


class SqlMailQueueStore:
    """A row for each mail. Claiming is one UPDATE that passes by what others are claiming, so that
    processes neither wait for each other nor take the same mail.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def add(self, mails: Sequence[QueuedMail]) -> Sequence[QueuedMail]:
        """Store the mails, due at once; those for which there was no room come back."""
        async with self._database.transaction() as connection:
            return await enqueue(connection, mails)

    async def claim(
        self, claim: str, *, now: float, until: float, limit: int
    ) -> Sequence[ClaimedMail]:
        """Take at most `limit` mails that are due, the longest waiting ones first."""
        due = await self.next_due()
        if due is None or due > now:
            # SQLite's one writer is not asked for nothing.
            return ()
        # Materialised by its lock: chosen once, however the rest is planned.
        chosen = (
            select(table.c.id)
            .where(table.c.due_at <= now)
            .order_by(table.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("chosen")
        )
        taken = (
            update(table)
            .where(table.c.id.in_(select(chosen.c.id)), table.c.due_at <= now)
            .values(due_at=until, claim=claim, attempts=table.c.attempts + 1)
            .returning(table)
        )
        rows = await self._database.rows(taken)
        return [
            ClaimedMail(
                id=row.id, sealed=row.sealed, expires_at=row.expires_at, attempts=row.attempts
            )
            for row in sorted(rows, key=lambda row: float(row.created_at))
        ]

    async def next_due(self) -> float | None:
        """When the next mail is due; None where none waits."""
        row = await self._database.first(_NEXT)
        return None if row is None else row.due_at

    async def postpone(self, mail_id: str, claim: str, *, until: float) -> bool:
        """Give a mail back, due at `until`; False where the claim holds no more."""
        given_back = update(table).where(_held(mail_id, claim)).values(due_at=until, claim=None)
        return await self._database.count(given_back) == 1

    async def remove(self, mail_id: str, claim: str) -> bool:
        """Forget a mail; False where the claim holds no more."""
        return await self._database.count(delete(table).where(_held(mail_id, claim))) == 1

    async def prune(self, *, before: float) -> int:
        """Remove mails whose time ended before this and that nobody took."""
        return await self._database.count(delete(table).where(table.c.expires_at < before))


async def enqueue(connection: StoreConnection, mails: Sequence[QueuedMail]) -> Sequence[QueuedMail]:
    """Store mails within a transaction of others; those for which there was no room come back.

    How many wait is counted without a lock: two transactions at once may both find the last place.
    """
    waiting = 0
    if any(mail.room is not None for mail in mails):
        waiting = (await connection.execute(_WAITING)).scalar_one()
    rows: list[dict[str, Any]] = []
    refused: list[QueuedMail] = []
    for mail in mails:
        if mail.room is not None and waiting + len(rows) >= mail.room:
            refused.append(mail)
            continue
        rows.append(
            {
                "id": mail.id,
                "sealed": mail.sealed,
                "created_at": mail.created_at,
                "expires_at": mail.expires_at,
                "due_at": mail.created_at,
                "attempts": 0,
            }
        )
    if rows:
        await connection.execute(insert(table), rows)
    return refused


def _held(mail_id: str, claim: str) -> ColumnElement[bool]:
    return and_(table.c.id == mail_id, table.c.claim == claim)
