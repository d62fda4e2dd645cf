"""Temporary bans in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, delete, or_, select, update

from zenith.abuse.bans import Ban, BanTarget
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import bans

# Built once: every process asks twice a second.
_SINCE: Final = select(bans).where(
    bans.c.updated_at >= bindparam("moment"),
    or_(bans.c.until.is_(None), bans.c.until > bindparam("alive_at")),
)
_REPLACED: Final = ("reason", "made_by", "created_at", "updated_at", "until", "automatic")


class SqlBanStore:
    """One row for each target; a ban that has ended stays for as long as its offences count."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def put(self, ban: Ban) -> Ban:
        """Store `ban` in place of what was said of its target before."""
        fresh = self._database.insert(bans).values(_row(ban))
        statement = fresh.on_conflict_do_update(
            index_elements=[bans.c.kind, bans.c.key],
            set_={name: fresh.excluded[name] for name in _REPLACED},
        )
        rows = await self._database.rows(statement.returning(*bans.c))
        return _ban(rows[0])

    async def offend(self, ban: Ban, *, durations: Sequence[float], memory: float) -> Ban | None:
        """Ban the target unless it is banned; how long, its offences decide within the statement:
        of processes that do so at once, one adds an offence.
        """
        now = ban.created_at
        first = {**_row(ban), "until": now + durations[0], "offences": 1}
        fresh = self._database.insert(bans).values(first)
        count = case((bans.c.until <= now - memory, 1), else_=bans.c.offences + 1)
        lengths = [(count == number, length) for number, length in enumerate(durations, start=1)]
        changes: dict[str, Any] = {name: fresh.excluded[name] for name in _REPLACED}
        changes |= {"until": now + case(*lengths, else_=durations[-1]), "offences": count}
        statement = fresh.on_conflict_do_update(
            index_elements=[bans.c.kind, bans.c.key], set_=changes, where=bans.c.until <= now
        )
        rows = await self._database.rows(statement.returning(*bans.c))
        return _ban(rows[0]) if rows else None

    async def lift(self, target: BanTarget, *, now: float) -> Ban | None:
        """End the ban at `now` and forget the offences."""
        rows = await self._database.rows(
            update(bans)
            .where(_is(target), or_(bans.c.until.is_(None), bans.c.until > now))
            .values(until=now, updated_at=now, offences=0)
            .returning(*bans.c)
        )
        return _ban(rows[0]) if rows else None

    async def since(self, moment: float, *, alive_at: float) -> Sequence[Ban]:
        """Those that were changed at `moment` or later and that end after `alive_at`."""
        rows = await self._database.rows(_SINCE, {"moment": moment, "alive_at": alive_at})
        return [_ban(row) for row in rows]

    async def active(
        self, *, now: float, limit: int, offset: int = 0, search: str = ""
    ) -> Sequence[Ban]:
        """Those that hold at `now`, the newest first."""
        wanted = select(bans).where(or_(bans.c.until.is_(None), bans.c.until > now))
        if search:
            wanted = wanted.where(
                or_(
                    bans.c.key.icontains(search, autoescape=True),
                    bans.c.reason.icontains(search, autoescape=True),
                )
            )
        order = (bans.c.created_at.desc(), bans.c.kind, bans.c.key)
        rows = await self._database.rows(wanted.order_by(*order).limit(limit).offset(offset))
        return [_ban(row) for row in rows]

    async def find(self, target: BanTarget) -> Ban | None:
        """The ban of exactly this target, ended or not."""
        row = await self._database.first(select(bans).where(_is(target)))
        return None if row is None else _ban(row)

    async def prune(self, *, before: float) -> int:
        """Remove those that ended before; how many there were."""
        return await self._database.count(delete(bans).where(bans.c.until < before))


def _is(target: BanTarget) -> ColumnElement[bool]:
    return and_(bans.c.kind == target.kind, bans.c.key == target.key)


def _row(ban: Ban) -> dict[str, Any]:
    return {
        "kind": ban.target.kind,
        "key": ban.target.key,
        "reason": ban.reason,
        "made_by": ban.made_by,
        "created_at": ban.created_at,
        "updated_at": ban.updated_at,
        "until": ban.until,
        "automatic": ban.automatic,
        "offences": ban.offences,
    }


def _ban(row: Row[*tuple[Any, ...]]) -> Ban:
    return Ban(
        target=BanTarget(row.kind, row.key),
        reason=row.reason,
        made_by=row.made_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        until=row.until,
        automatic=row.automatic,
        offences=row.offences,
    )
