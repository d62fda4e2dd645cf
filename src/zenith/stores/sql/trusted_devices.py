"""Trusted devices and spent challenges in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from zenith.mfa import TrustedDevice
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import spent_challenges, trusted_devices


class SqlTrustedDeviceStore:
    """One row for each device."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def trust(self, device: TrustedDevice, *, keep: int) -> None:
        """Store it; of the account's the newest `keep` remain."""
        newest = (
            select(trusted_devices.c.id)
            .where(trusted_devices.c.account_id == device.account_id)
            .order_by(trusted_devices.c.created_at.desc(), trusted_devices.c.id)
            .limit(keep)
        )
        async with self._database.transaction() as connection:
            await connection.execute(
                insert(trusted_devices).values(
                    id=device.id,
                    account_id=device.account_id,
                    digest=device.digest,
                    password_state=device.password_state,
                    created_at=device.created_at,
                    expires_at=device.expires_at,
                    last_used_at=device.last_used_at,
                    address=device.address,
                    user_agent=device.user_agent,
                )
            )
            await connection.execute(
                delete(trusted_devices).where(
                    trusted_devices.c.account_id == device.account_id,
                    trusted_devices.c.id.not_in(newest),
                )
            )

    async def use_trusted(
        self, digest: str, *, account_id: str, password_state: str, now: float
    ) -> bool:
        """Note use; False unless it counts for this account now."""
        used = (
            update(trusted_devices)
            .where(
                trusted_devices.c.digest == digest,
                _counting(account_id, password_state, now),
            )
            .values(last_used_at=now)
        )
        return await self._database.count(used) == 1

    async def trusted_of(
        self, account_id: str, *, password_state: str, now: float
    ) -> Sequence[TrustedDevice]:
        """Those that still count, newest use first."""
        rows = await self._database.rows(
            select(trusted_devices)
            .where(_counting(account_id, password_state, now))
            .order_by(trusted_devices.c.last_used_at.desc(), trusted_devices.c.id)
        )
        return [
            TrustedDevice(
                id=row.id,
                account_id=row.account_id,
                digest=row.digest,
                password_state=row.password_state,
                created_at=row.created_at,
                expires_at=row.expires_at,
                last_used_at=row.last_used_at,
                address=row.address,
                user_agent=row.user_agent,
            )
            for row in rows
        ]

    async def distrust(self, account_id: str, device_id: str | None = None) -> int:
        """Remove one, or all; how many there were."""
        gone = delete(trusted_devices).where(trusted_devices.c.account_id == account_id)
        if device_id is not None:
            gone = gone.where(trusted_devices.c.id == device_id)
        return await self._database.count(gone)


class SqlChallengeStore:
    """One row for each challenge that was used, until it would have expired."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def spend(self, digest: str, *, expires_at: float) -> bool:
        """Remember it; True for one of many callers."""
        fresh = self._database.insert(spent_challenges).values(digest=digest, expires_at=expires_at)
        return await self._database.count(fresh.on_conflict_do_nothing()) == 1

    async def prune(self, *, now: float) -> int:
        """Remove what has expired; how many there were."""
        return sum(
            [
                await self._database.count(delete(table).where(table.c.expires_at <= now))
                for table in (spent_challenges, trusted_devices)
            ]
        )


def _counting(account_id: str, password_state: str, now: float) -> ColumnElement[bool]:
    return and_(
        trusted_devices.c.account_id == account_id,
        trusted_devices.c.password_state == password_state,
        trusted_devices.c.expires_at > now,
    )
