"""Who is on the way to a provider, in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from sqlalchemy import delete, insert

from zenith.oauth.store import PendingAuthorization
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import pending_authorizations as table


class SqlAuthorizationStore:
    """One row for each state; coming back is deleting it."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def put(self, pending: PendingAuthorization) -> None:
        """Remember one."""
        await self._database.count(insert(table).values(**asdict(pending)))

    async def consume(
        self, digest: str, *, browser: str, provider: str, now: float
    ) -> PendingAuthorization | None:
        """Remove and return it, in one step."""
        row = await self._database.first(
            delete(table)
            .where(
                table.c.digest == digest,
                table.c.browser == browser,
                table.c.provider == provider,
                table.c.expires_at > now,
            )
            .returning(table)
        )
        if row is None:
            return None
        return PendingAuthorization(
            digest=row.digest,
            browser=row.browser,
            provider=row.provider,
            purpose=row.purpose,
            wanted=row.wanted,
            challenge=row.challenge,
            account_id=row.account_id,
            session_id=row.session_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )

    async def prune(self, *, now: float) -> int:
        """Remove those that have expired; how many there were."""
        return await self._database.count(delete(table).where(table.c.expires_at <= now))
