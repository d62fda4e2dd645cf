"""Sessions in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningDelete

from zenith.kernel.keys import digest
from zenith.sessions.store import SessionRecord
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import sessions

SESSIONS_LOCK: Final = 0x7A656E_03 << 32


def _live(now: ColumnElement[float] | float) -> ColumnElement[bool]:
    return and_(sessions.c.idle_expires_at > now, sessions.c.expires_at > now)


# Built once: asked for with each request of a signed-in visitor.
_FIND: Final = select(sessions).where(
    sessions.c.digest == bindparam("wanted"), _live(bindparam("now"))
)


class SqlSessionStore:
    """Sessions; whatever decides whether one is live is part of the statement that uses it."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def create(self, record: SessionRecord, *, at_most: int | None = None) -> Sequence[str]:
        """Store a new session and, in the same step, remove those beyond `at_most`; their ids.
        Raises ConflictError if its id or digest is taken.
        """
        stored = insert(sessions).values(
            id=record.id,
            account_id=record.account_id,
            kind=record.kind,
            digest=record.digest,
            created_at=record.created_at,
            last_seen_at=record.last_seen_at,
            idle_expires_at=min(record.idle_expires_at, record.expires_at),
            expires_at=record.expires_at,
            address=record.address,
            user_agent=record.user_agent,
            name=record.name or None,
            remembered=record.remembered,
            factors=dict(record.factors),
        )
        if at_most is None:
            await self._database.count(stored)
            return []
        async with self._database.transaction() as connection:
            # Else two that begin at the same time would not count each other.
            await self._database.lock(connection, _lock_of(record.account_id))
            await connection.execute(stored)
            return [row.id for row in await connection.execute(_beyond(record, at_most))]

    async def find(self, digest: str, *, now: float) -> SessionRecord | None:
        """The live session whose cookie has this digest."""
        row = await self._database.first(_FIND, {"wanted": digest, "now": now})
        return None if row is None else _record(row)

    async def get(self, session_id: str, *, now: float) -> SessionRecord | None:
        """The live session with this id."""
        row = await self._database.first(
            select(sessions).where(sessions.c.id == session_id, _live(now))
        )
        return None if row is None else _record(row)

    async def touch(self, session_id: str, *, now: float, idle_expires_at: float) -> bool:
        """Note use: move `last_seen_at` and `idle_expires_at` forward, never back, never past
        `expires_at`; False if the session is not live any more.
        """
        end, idle, seen = (
            sessions.c.expires_at,
            sessions.c.idle_expires_at,
            sessions.c.last_seen_at,
        )
        noted = (
            update(sessions)
            .where(sessions.c.id == session_id, _live(now))
            .values(
                last_seen_at=case((seen < now, now), else_=seen),
                idle_expires_at=case(
                    (idle >= idle_expires_at, idle),
                    (end < idle_expires_at, end),
                    else_=idle_expires_at,
                ),
            )
        )
        return await self._database.count(noted) == 1

    async def rotate(
        self, old_digest: str, new_digest: str, *, now: float, factors: Mapping[str, float]
    ) -> SessionRecord | None:
        """Give a live session a new cookie and factors in one step; None if it is not live or
        another request was first.
        """
        row = await self._database.first(
            update(sessions)
            .where(sessions.c.digest == old_digest, _live(now))
            .values(digest=new_digest, factors=dict(factors))
            .returning(*sessions.c)
        )
        return None if row is None else _record(row)

    async def prove(
        self, session_id: str, *, account_id: str, factors: Mapping[str, float], now: float
    ) -> SessionRecord | None:
        """Add factors to those of the account's live session that has no cookie, in one step; None
        if there is none.
        """
        row = await self._database.first(
            update(sessions)
            .where(
                sessions.c.id == session_id,
                sessions.c.account_id == account_id,
                sessions.c.digest.is_(None),
                _live(now),
            )
            .values(factors=self._with_factors(factors))
            .returning(*sessions.c)
        )
        return None if row is None else _record(row)

    async def rename(self, session_id: str, *, account_id: str, name: str, now: float) -> bool:
        """Name the account's live session; False if there is none."""
        named = (
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.account_id == account_id, _live(now))
            .values(name=name)
        )
        return await self._database.count(named) == 1

    async def end(self, session_id: str, *, account_id: str) -> bool:
        """Remove the session if it belongs to the account; False if there was none."""
        ended = delete(sessions).where(
            sessions.c.id == session_id, sessions.c.account_id == account_id
        )
        return await self._database.count(ended) == 1

    async def end_all(self, account_id: str, *, except_id: str | None = None) -> Sequence[str]:
        """Remove every session of the account but one, in one step; the ids removed."""
        ended = delete(sessions).where(sessions.c.account_id == account_id)
        if except_id is not None:
            ended = ended.where(sessions.c.id != except_id)
        return [row.id for row in await self._database.rows(ended.returning(sessions.c.id))]

    async def of_account(self, account_id: str, *, now: float) -> Sequence[SessionRecord]:
        """Live sessions, newest use first."""
        rows = await self._database.rows(
            select(sessions)
            .where(sessions.c.account_id == account_id, _live(now))
            .order_by(sessions.c.last_seen_at.desc(), sessions.c.id)
        )
        return [_record(row) for row in rows]

    async def prune(self, *, now: float) -> int:
        """Remove what is not live any more; how many there were."""
        # Idle time never ends after the session itself, so its index alone finds them all.
        return await self._database.count(delete(sessions).where(sessions.c.idle_expires_at <= now))

    def _with_factors(self, factors: Mapping[str, float]) -> ColumnElement[Any]:
        """What is stored, with `factors` added by the database itself."""
        added = literal(dict(factors), JSON)
        if self._database.dialect == "sqlite":
            return func.json_patch(sessions.c.factors, added, type_=JSON)
        # The dialect is as large as the rest; who uses SQLite does not wait for its import.
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415

        return cast(cast(sessions.c.factors, JSONB).concat(cast(added, JSONB)), JSON)


def _lock_of(account_id: str) -> int:
    """A lock for each account; that few share one does no harm."""
    return SESSIONS_LOCK | int(digest(account_id)[:8], 16)


def _beyond(new: SessionRecord, at_most: int) -> ReturningDelete[tuple[str]]:
    """Remove what the account has beyond `at_most`, the new one counted."""
    kept_first = (sessions.c.kind == new.kind, sessions.c.last_seen_at.desc(), sessions.c.id)
    surplus = (
        select(sessions.c.id)
        .where(
            sessions.c.account_id == new.account_id,
            sessions.c.id != new.id,
            _live(new.last_seen_at),
        )
        .order_by(*kept_first)
        .offset(at_most - 1)
    )
    return delete(sessions).where(sessions.c.id.in_(surplus)).returning(sessions.c.id)


def _record(row: Row[*tuple[Any, ...]]) -> SessionRecord:
    return SessionRecord(
        id=row.id,
        account_id=row.account_id,
        kind=row.kind,
        digest=row.digest,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        idle_expires_at=row.idle_expires_at,
        expires_at=row.expires_at,
        address=row.address,
        user_agent=row.user_agent,
        name=row.name or "",
        remembered=row.remembered,
        factors=MappingProxyType(row.factors),
    )
