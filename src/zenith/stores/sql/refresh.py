"""Families of refresh tokens in SQL."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, insert, select, update

from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import refresh_families as families
from zenith.tokens.store import RefreshFamily, Rotation, RotationOutcome

# Built once. Alone it decides nearly every rotation, in one round trip.
_ROTATE: Final = (
    update(families)
    .where(
        families.c.handle == bindparam("wanted"),
        families.c.current == bindparam("presented"),
        families.c.revoked_at.is_(None),
        families.c.expires_at > bindparam("now"),
    )
    .values(
        previous=bindparam("presented"), current=bindparam("successor"), rotated_at=bindparam("now")
    )
    .returning(families.c.id, families.c.account_id, families.c.current, families.c.expires_at)
)


class SqlRefreshStore:
    """Families of refresh tokens; of many presenters of one token exactly one rotates it."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def start(self, family: RefreshFamily) -> None:
        """Store a new family. Raises ConflictError if its id or handle exists."""
        await self._database.count(
            insert(families).values(
                id=family.id,
                account_id=family.account_id,
                handle=family.handle,
                current=family.current,
                created_at=family.created_at,
                expires_at=family.expires_at,
            )
        )

    async def rotate(
        self, *, handle: str, presented: str, successor: str, now: float, grace: float
    ) -> Rotation:
        """Replace `presented` by `successor` as the family's current token, in one atomic step."""
        values = {"wanted": handle, "presented": presented, "successor": successor, "now": now}
        row = await self._database.first(_ROTATE, values)
        if row is not None:
            return _rotation("rotated", row)
        async with self._database.transaction() as connection:
            known = select(families).where(families.c.handle == handle).with_for_update()
            row = (await connection.execute(known)).first()
            if row is None:
                return Rotation(outcome="unknown")
            outcome = _judge(row, presented=presented, now=now, grace=grace)
            if outcome == "rotated":
                # The clock of another process was ahead, or the row came after the first look.
                row = (await connection.execute(_ROTATE, values)).one()
            elif outcome == "reused":
                revoked = update(families).where(families.c.id == row.id).values(revoked_at=now)
                await connection.execute(revoked)
            return _rotation(outcome, row)

    async def find(self, *, handle: str, now: float) -> RefreshFamily | None:
        """The family with this handle, if it is neither revoked nor expired."""
        row = await self._database.first(
            select(families).where(
                families.c.handle == handle,
                families.c.revoked_at.is_(None),
                families.c.expires_at > now,
            )
        )
        if row is None:
            return None
        return RefreshFamily(
            id=row.id,
            account_id=row.account_id,
            handle=row.handle,
            current=row.current,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )

    async def revoke_family(self, family_id: str, *, now: float) -> bool:
        """Set `revoked_at = now`. True if the family was alive (neither revoked nor expired)."""
        revoked = (
            update(families)
            .where(families.c.id == family_id, families.c.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(families.c.expires_at)
        )
        row = await self._database.first(revoked)
        return row is not None and row.expires_at > now

    async def revoke_account(self, account_id: str, *, now: float, keep: str | None = None) -> int:
        """Revoke every living family of the account but `keep`; how many it were."""
        revoked = update(families).where(
            families.c.account_id == account_id,
            families.c.revoked_at.is_(None),
            families.c.expires_at > now,
        )
        if keep is not None:
            revoked = revoked.where(families.c.id != keep)
        return await self._database.count(revoked.values(revoked_at=now))

    async def prune(self, now: float) -> int:
        """Delete the families with `expires_at <= now`; how many it were."""
        return await self._database.count(delete(families).where(families.c.expires_at <= now))


def _judge(
    row: Row[*tuple[Any, ...]], *, presented: str, now: float, grace: float
) -> RotationOutcome:
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= now:
        return "expired"
    if presented == row.current:
        return "rotated"
    if presented == row.previous and now - row.rotated_at <= grace:
        return "replayed"
    return "reused"


def _rotation(outcome: RotationOutcome, row: Row[*tuple[Any, ...]]) -> Rotation:
    return Rotation(
        outcome=outcome,
        family_id=row.id,
        account_id=row.account_id,
        current=row.current,
        expires_at=row.expires_at,
    )
