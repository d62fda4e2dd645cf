"""API keys in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from zenith.api_keys.key import APIKey
from zenith.api_keys.store import CreateOutcome, Cursor, KeyUse, RotateOutcome
from zenith.stores.sql.database import Database, Rows
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import accounts, api_keys

KEYS_LOCK: Final = 0x7A656E_05
"""Held by whoever counts an owner's keys before adding one."""

# Built once: asked for with each first use of a key.
_FIND: Final = select(api_keys).where(api_keys.c.prefix == bindparam("wanted"))
_USED: Final = (
    update(api_keys)
    .where(
        api_keys.c.id == bindparam("wanted"),
        or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= bindparam("due")),
    )
    .values(last_used_at=bindparam("at"), last_used_address=bindparam("address"))
)


def _alive(now: float) -> ColumnElement[bool]:
    return and_(
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
    )


class SqlAPIKeyStore:
    """API keys; of many rotations of one key exactly one stores a successor."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def create(self, key: APIKey, *, now: float, most: int) -> CreateOutcome:
        """Store a new key, unless its owner is gone or has `most` living keys already."""
        if key.owner_id is None:
            await self._database.count(_insertion(key))
            return "created"
        async with self._database.transaction() as connection:
            await self._database.lock(connection, KEYS_LOCK)
            if await _is_missing(connection, key.owner_id):
                return "no_owner"
            if await _living(connection, key.owner_id, now) >= most:
                return "full"
            await connection.execute(_insertion(key))
            return "created"

    async def find(self, prefix: str) -> APIKey | None:
        """The key called `prefix`, dead or alive; one indexed query."""
        row = await self._database.first(_FIND, {"wanted": prefix})
        return None if row is None else _key(row)

    async def get(self, key_id: str) -> APIKey | None:
        """The key with this id, dead or alive."""
        row = await self._database.first(select(api_keys).where(api_keys.c.id == key_id))
        return None if row is None else _key(row)

    async def of_owner(self, owner_id: str) -> Sequence[APIKey]:
        """The owner's keys that are still kept, the newest first."""
        rows = await self._database.rows(
            select(api_keys)
            .where(api_keys.c.owner_id == owner_id)
            .order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
        )
        return _keys(rows)

    async def page(self, *, after: Cursor | None, limit: int) -> Sequence[APIKey]:
        """Everybody's keys, the newest first, those after the cursor."""
        place = tuple_(api_keys.c.created_at, api_keys.c.id)
        asked = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
        if after is not None:
            asked = asked.where(place < after)
        return _keys(await self._database.rows(asked.limit(limit)))

    async def rotate(
        self, key_id: str, successor: APIKey, *, now: float, until: float, most: int
    ) -> RotateOutcome:
        """Store `successor` and let the old key, if it is alive and has none yet, expire."""
        end = api_keys.c.expires_at
        replaced = (
            update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.replaced_by.is_(None), _alive(now))
            .values(
                replaced_by=successor.id,
                expires_at=case((end < until, end), else_=until),
            )
        )
        owner_id = successor.owner_id
        async with self._database.transaction() as connection:
            if owner_id is not None:
                await self._database.lock(connection, KEYS_LOCK)
                ended = 1 if until <= now else 0
                if await _living(connection, owner_id, now) - ended >= most:
                    return "full"
            if (await connection.execute(replaced)).rowcount != 1:
                return "gone"
            await connection.execute(_insertion(successor))
            return "rotated"

    async def revoke(self, key_id: str, *, now: float) -> bool:
        """Set `revoked_at`; False if it is set already or there is no such key."""
        revoked = (
            update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        return await self._database.count(revoked) == 1

    async def revoke_all(self, owner_id: str, *, now: float) -> Sequence[str]:
        """Revoke every key of an owner that is not revoked yet; their ids."""
        revoked = (
            update(api_keys)
            .where(api_keys.c.owner_id == owner_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(api_keys.c.id)
        )
        return [row.id for row in await self._database.rows(revoked)]

    async def note_uses(self, uses: Sequence[KeyUse], *, interval: float) -> None:
        """Write down uses, each unless its key has one that is recent."""
        if uses:
            async with self._database.transaction() as connection:
                # In the order of their keys: two processes that write the same never deadlock.
                await connection.execute(
                    _USED,
                    [
                        {
                            "wanted": use.key_id,
                            "at": use.at,
                            "due": use.at - interval,
                            "address": use.address,
                        }
                        for use in sorted(uses, key=lambda use: use.key_id)
                    ],
                )

    async def prune(self, *, before: float) -> int:
        """Remove keys that were revoked or expired before this time; how many it were."""
        dead = or_(api_keys.c.revoked_at < before, api_keys.c.expires_at < before)
        return await self._database.count(delete(api_keys).where(dead))


async def _living(connection: StoreConnection, owner_id: str, now: float) -> int:
    living = (
        select(func.count())
        .select_from(api_keys)
        .where(api_keys.c.owner_id == owner_id, _alive(now))
    )
    found: int = (await connection.execute(living)).scalar_one()
    return found


async def _is_missing(connection: StoreConnection, owner_id: str) -> bool:
    """Whether the account is gone; if it is there, nobody deletes it before this is over."""
    asked = select(accounts.c.id).where(accounts.c.id == owner_id)
    found = await connection.execute(asked.with_for_update(read=True))
    return found.first() is None


def _insertion(key: APIKey) -> Any:
    return insert(api_keys).values(
        id=key.id,
        name=key.name,
        key_hash=key.key_hash,
        prefix=key.prefix,
        scopes=list(key.scopes),
        owner_id=key.owner_id,
        rate_limit=key.rate_limit,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        replaced_by=key.replaced_by,
        last_used_at=key.last_used_at,
        last_used_address=key.last_used_address,
        thumbprint=key.thumbprint,
        tenant=key.tenant,
    )


def _keys(rows: Rows) -> Sequence[APIKey]:
    return [_key(row) for row in rows]


def _key(row: Row[*tuple[Any, ...]]) -> APIKey:
    return APIKey(
        id=row.id,
        name=row.name,
        key_hash=row.key_hash,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        owner_id=row.owner_id,
        rate_limit=row.rate_limit,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        replaced_by=row.replaced_by,
        last_used_at=row.last_used_at,
        last_used_address=row.last_used_address,
        thumbprint=row.thumbprint,
        tenant=row.tenant,
    )
