"""Authenticator apps and recovery codes in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    ScalarSelect,
    Table,
    Update,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from zenith.mfa import FactorCounts, TotpRecord
from zenith.stores.sql.database import Database
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import accounts, passkeys, recovery_codes, totp, trusted_devices


class SqlFactorStore:
    """One row for an app, one for each code; accepting a code is one statement."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def counts(self, account_id: str) -> FactorCounts:
        """What the account has."""
        row = await self._database.first(
            select(
                exists().where(totp.c.account_id == account_id).label("totp"),
                _count(passkeys, account_id).label("passkeys"),
                _count(recovery_codes, account_id).label("codes"),
            )
        )
        if row is None:
            return FactorCounts()
        return FactorCounts(totp=bool(row.totp), passkeys=row.passkeys, recovery_codes=row.codes)

    async def totp_of(self, account_id: str) -> TotpRecord | None:
        """The account's authenticator app."""
        row = await self._database.first(select(totp).where(totp.c.account_id == account_id))
        if row is None:
            return None
        return TotpRecord(
            account_id=row.account_id,
            secret=row.secret,
            last_step=row.last_step,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )

    async def add_totp(self, record: TotpRecord) -> bool:
        """Store it; False if the account has one."""
        fresh = self._database.insert(totp).values(
            account_id=record.account_id,
            secret=record.secret,
            last_step=record.last_step,
            created_at=record.created_at,
            last_used_at=record.last_used_at,
        )
        async with self._database.transaction() as connection:
            await lock_account(connection, record.account_id)
            added = await connection.execute(fresh.on_conflict_do_nothing())
            if added.rowcount != 1:
                return False
            await end_trust(connection, record.account_id)
        return True

    async def advance_totp(self, record: TotpRecord, *, step: int, now: float) -> bool:
        """Accept the code of `step`, once."""
        accepted = (
            update(totp)
            .where(
                totp.c.account_id == record.account_id,
                totp.c.secret == record.secret,
                totp.c.last_step < step,
            )
            .values(last_step=step, last_used_at=now)
        )
        return await self._database.count(accepted) == 1

    async def reseal_totp(self, record: TotpRecord, secret: str) -> bool:
        """Replace the sealed secret if it is still the record's."""
        replaced = (
            update(totp)
            .where(totp.c.account_id == record.account_id, totp.c.secret == record.secret)
            .values(secret=secret)
        )
        return await self._database.count(replaced) == 1

    async def remove_totp(self, account_id: str) -> bool:
        """Remove the app; False if there was none."""
        async with self._database.transaction() as connection:
            await lock_account(connection, account_id)
            gone = await connection.execute(delete(totp).where(totp.c.account_id == account_id))
            if gone.rowcount == 0:
                return False
            await after_removal(connection, account_id)
        return True

    async def set_recovery_codes(
        self, account_id: str, digests: Sequence[str], *, only_first: bool = False
    ) -> bool:
        """Replace all codes in one step."""
        async with self._database.transaction() as connection:
            await lock_account(connection, account_id)
            known = select(literal(1)).where(recovery_codes.c.account_id == account_id).limit(1)
            if only_first and (await connection.execute(known)).first() is not None:
                return False
            await connection.execute(
                delete(recovery_codes).where(recovery_codes.c.account_id == account_id)
            )
            await connection.execute(
                insert(recovery_codes),
                [{"account_id": account_id, "digest": digest} for digest in digests],
            )
            await end_trust(connection, account_id)
        return True

    async def spend_recovery_code(self, account_id: str, digest: str) -> bool:
        """Remove the code, once."""
        spent = delete(recovery_codes).where(
            recovery_codes.c.account_id == account_id, recovery_codes.c.digest == digest
        )
        return await self._database.count(spent) == 1

    async def remove_all(self, account_id: str) -> bool:
        """Remove every factor; False if there was none."""
        async with self._database.transaction() as connection:
            await lock_account(connection, account_id)
            removed = 0
            for table in (totp, passkeys, recovery_codes):
                found = delete(table).where(table.c.account_id == account_id)
                removed += (await connection.execute(found)).rowcount
            await end_trust(connection, account_id)
        return removed > 0

    async def demote_passkeys(self, account_id: str) -> bool:
        """Let the passkeys open nothing alone from now on; False if none did."""
        return await self._database.count(_demotion(account_id)) > 0

    async def remove_since(self, account_id: str, since: float) -> bool:
        """Remove what was added at `since` or later; passkeys that stay open nothing alone."""
        gone = (
            delete(totp).where(totp.c.account_id == account_id, totp.c.created_at >= since),
            delete(passkeys).where(
                passkeys.c.account_id == account_id, passkeys.c.created_at >= since
            ),
            delete(recovery_codes).where(recovery_codes.c.account_id == account_id),
            _demotion(account_id),
        )
        async with self._database.transaction() as connection:
            await lock_account(connection, account_id)
            changed = [(await connection.execute(each)).rowcount for each in gone]
            await end_trust(connection, account_id)
        return sum(changed) > 0


async def lock_account(connection: StoreConnection, account_id: str) -> None:
    """Whoever changes the account's factors does so one after the other."""
    owner = select(accounts.c.id).where(accounts.c.id == account_id)
    await connection.execute(owner.with_for_update())


async def end_trust(connection: StoreConnection, account_id: str) -> None:
    """A device was trusted beside the factors of that time, not of this."""
    await connection.execute(
        delete(trusted_devices).where(trusted_devices.c.account_id == account_id)
    )


async def after_removal(connection: StoreConnection, account_id: str) -> None:
    """Recovery codes stand in for other factors: with the last of these they go."""
    await end_trust(connection, account_id)
    orphans = delete(recovery_codes).where(
        recovery_codes.c.account_id == account_id,
        ~exists().where(totp.c.account_id == account_id),
        ~exists().where(passkeys.c.account_id == account_id),
    )
    await connection.execute(orphans)


def _demotion(account_id: str) -> Update:
    return (
        update(passkeys)
        .where(passkeys.c.account_id == account_id, passkeys.c.second_only.is_(False))
        .values(second_only=True)
    )


def _count(table: Table, account_id: str) -> ScalarSelect[int]:
    held = select(func.count()).select_from(table).where(table.c.account_id == account_id)
    return held.scalar_subquery()
