"""Secrets that may be used once, in SQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, delete, select

from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import one_time


class SqlOneTimeStore:
    """One row for each purpose and subject; using the secret is deleting it."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def put(
        self, digest: str, *, purpose: str, subject: str, now: float, expires_at: float
    ) -> None:
        """Remember a secret by its SHA-256. One for the same purpose and subject replaces it.

        Raises ConflictError if the digest is stored for another purpose or subject.
        """
        fresh = self._database.insert(one_time).values(
            digest=digest, purpose=purpose, subject=subject, created_at=now, expires_at=expires_at
        )
        await self._database.count(
            fresh.on_conflict_do_update(
                index_elements=[one_time.c.purpose, one_time.c.subject],
                set_={
                    name: fresh.excluded[name] for name in ("digest", "created_at", "expires_at")
                },
            )
        )

    async def consume(self, digest: str, *, purpose: str, now: float) -> str | None:
        """Remove the secret in one step and return its subject; None if it is unknown, expired or
        was used before.
        """
        row = await self._database.first(
            delete(one_time).where(_usable(digest, purpose, now)).returning(one_time.c.subject)
        )
        return None if row is None else row.subject

    async def check(self, digest: str, *, purpose: str, now: float) -> str | None:
        """Its subject if it could be consumed now; changes nothing."""
        row = await self._database.first(
            select(one_time.c.subject).where(_usable(digest, purpose, now))
        )
        return None if row is None else row.subject

    async def prune(self, *, now: float) -> int:
        """Remove expired secrets; how many there were."""
        return await self._database.count(delete(one_time).where(one_time.c.expires_at <= now))


def _usable(digest: str, purpose: str, now: float) -> ColumnElement[bool]:
    return and_(
        one_time.c.digest == digest, one_time.c.purpose == purpose, one_time.c.expires_at > now
    )
