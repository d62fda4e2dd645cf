"""Sign-ins by way of providers, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select

from zenith.oauth.store import ProviderSignIn
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import provider_sign_ins as table

BATCH: Final = 500
COLUMNS: Final = tuple(column.name for column in table.c)


class SqlProviderSignInStore:
    """One row for each; it goes with its account, or by its age."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def remember(self, sign_in: ProviderSignIn) -> None:
        """Keep one."""
        await self._database.count(insert(table).values(**asdict(sign_in)))

    async def find(self, account_id: str, proven_at: float) -> ProviderSignIn | None:
        """The one of the account by which something was proven at this time, the latest first."""
        row = await self._database.first(
            select(table)
            .where(table.c.account_id == account_id, table.c.proven_at == proven_at)
            .order_by(table.c.expires_at.desc())
        )
        return None if row is None else _sign_in(row)

    async def matching(
        self, issuer: str, *, subject: str, provider_session: str
    ) -> Sequence[ProviderSignIn]:
        """Those of the issuer with this subject and this session; an empty one matches any."""
        asked = select(table).where(table.c.issuer == issuer)
        if subject:
            asked = asked.where(table.c.subject == subject)
        if provider_session:
            asked = asked.where(table.c.provider_session == provider_session)
        return [_sign_in(row) for row in await self._database.rows(asked.order_by(table.c.id))]

    async def forget(self, ids: Sequence[str]) -> None:
        """Remove these, in pieces that every database takes."""
        for start in range(0, len(ids), BATCH):
            gone = delete(table).where(table.c.id.in_(ids[start : start + BATCH]))
            await self._database.count(gone)

    async def prune(self, *, now: float) -> int:
        """Remove those that have expired; how many there were."""
        return await self._database.count(delete(table).where(table.c.expires_at <= now))


def _sign_in(row: Row[*tuple[Any, ...]]) -> ProviderSignIn:
    return ProviderSignIn(**{name: getattr(row, name) for name in COLUMNS})
