"""Keys of subjects in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, update

from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import subject_keys as table

ERASED: Final = ""


class SqlSubjectKeyStore:
    """A SubjectKeyStore: one row for each subject, which is never deleted."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def find(self, subject: str) -> str | None:
        """The wrapped key; empty where the subject was erased, None where it is unknown."""
        row = await self._database.first(select(table.c.wrapped).where(table.c.subject == subject))
        return None if row is None else row.wrapped

    async def add(self, subject: str, wrapped: str) -> str:
        """Keep `wrapped` where nothing is kept, in one statement; what is kept now."""
        fresh = self._database.insert(table).values(subject=subject, wrapped=wrapped)
        # Whoever comes second sets what is there already, and is told it.
        kept = fresh.on_conflict_do_update(
            index_elements=[table.c.subject], set_={"wrapped": table.c.wrapped}
        ).returning(table.c.wrapped)
        ((held,),) = await self._database.rows(kept)
        return str(held)

    async def page(self, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Subjects behind `after`, in order."""
        found = select(table.c.subject, table.c.wrapped).where(table.c.subject > after)
        rows = await self._database.rows(found.order_by(table.c.subject).limit(limit))
        return [(row.subject, row.wrapped) for row in rows]

    async def replace(self, subject: str, former: str, wrapped: str) -> bool:
        """Keep `wrapped` in place of `former`, in one statement; whether that was still there."""
        same = (table.c.subject == subject) & (table.c.wrapped == former)
        return await self._database.count(update(table).where(same).values(wrapped=wrapped)) == 1

    async def erase(self, subject: str) -> bool:
        """Put the mark in place of the key, in one step; whether there was one."""
        mark = self._database.insert(table).values(subject=subject, wrapped=ERASED)
        async with self._database.transaction() as connection:
            # The mark first: it waits for whoever makes a key at this moment, so that the second
            # statement sees that key.
            await connection.execute(mark.on_conflict_do_nothing(index_elements=[table.c.subject]))
            gone = await connection.execute(
                update(table)
                .where(table.c.subject == subject, table.c.wrapped != ERASED)
                .values(wrapped=ERASED)
            )
            return gone.rowcount == 1
