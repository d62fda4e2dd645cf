"""Passkeys in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update

from zenith.mfa import PasskeyRecord
from zenith.stores.sql.database import Database
from zenith.stores.sql.factors import after_removal, end_trust, lock_account
from zenith.stores.sql.schema import passkeys


class SqlPasskeyStore:
    """One row for each passkey; noting its use is one statement."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def add_passkey(self, record: PasskeyRecord, *, limit: int) -> str:
        """`added`, `exists` or `full`."""
        fresh = self._database.insert(passkeys).values(
            id=record.id,
            account_id=record.account_id,
            credential_id=record.credential_id,
            public_key=record.public_key,
            sign_count=record.sign_count,
            transports=list(record.transports),
            name=record.name,
            aaguid=record.aaguid,
            backup_eligible=record.backup_eligible,
            backed_up=record.backed_up,
            created_at=record.created_at,
            last_used_at=record.last_used_at,
            second_only=record.second_only,
        )
        held = select(func.count()).where(passkeys.c.account_id == record.account_id)
        async with self._database.transaction() as connection:
            await lock_account(connection, record.account_id)
            if ((await connection.execute(held)).scalar() or 0) >= limit:
                return "full"
            added = await connection.execute(
                fresh.on_conflict_do_nothing(index_elements=[passkeys.c.credential_id])
            )
            if added.rowcount != 1:
                return "exists"
            await end_trust(connection, record.account_id)
        return "added"

    async def passkeys_of(self, account_id: str) -> Sequence[PasskeyRecord]:
        """The account's, oldest first."""
        rows = await self._database.rows(
            select(passkeys)
            .where(passkeys.c.account_id == account_id)
            .order_by(passkeys.c.created_at, passkeys.c.id)
        )
        return [_record(row) for row in rows]

    async def passkey(self, credential_id: str) -> PasskeyRecord | None:
        """The one with this credential id."""
        row = await self._database.first(
            select(passkeys).where(passkeys.c.credential_id == credential_id)
        )
        return None if row is None else _record(row)

    async def use_passkey(
        self, passkey_id: str, *, sign_count: int, backed_up: bool, now: float
    ) -> bool:
        """Note use; False unless the count grew, or is and was zero."""
        grew = passkeys.c.sign_count < sign_count
        if sign_count == 0:
            grew = passkeys.c.sign_count == 0
        used = (
            update(passkeys)
            .where(passkeys.c.id == passkey_id, grew)
            .values(sign_count=sign_count, backed_up=backed_up, last_used_at=now)
        )
        return await self._database.count(used) == 1

    async def rename_passkey(self, account_id: str, passkey_id: str, name: str) -> bool:
        """Name it; False if the account has none with this id."""
        renamed = (
            update(passkeys)
            .where(passkeys.c.account_id == account_id, passkeys.c.id == passkey_id)
            .values(name=name)
        )
        return await self._database.count(renamed) == 1

    async def remove_passkey(self, account_id: str, passkey_id: str) -> bool:
        """Remove it; False if the account has none with this id."""
        found = delete(passkeys).where(
            passkeys.c.account_id == account_id, passkeys.c.id == passkey_id
        )
        async with self._database.transaction() as connection:
            await lock_account(connection, account_id)
            if (await connection.execute(found)).rowcount == 0:
                return False
            await after_removal(connection, account_id)
        return True


def _record(row: Row[*tuple[Any, ...]]) -> PasskeyRecord:
    return PasskeyRecord(
        id=row.id,
        account_id=row.account_id,
        credential_id=row.credential_id,
        public_key=row.public_key,
        sign_count=row.sign_count,
        transports=tuple(row.transports),
        name=row.name,
        aaguid=row.aaguid,
        backup_eligible=row.backup_eligible,
        backed_up=row.backed_up,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        second_only=row.second_only,
    )
