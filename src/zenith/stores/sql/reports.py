"""Counts of what browsers report, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
)

from zenith.headers import BrowserReport, DayCount, ReportCount
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import reports as table

UNBOUNDED: Final = 2**31 - 1
_PARTS: Final = ("kind", "directive", "blocked", "document", "source", "disposition")


class SqlReportStore:
    """A row for each report and day. To add is one statement: it finds room, inserts or counts on,
    so that nothing that is told at once is lost.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self._add: Final = _add_statement(database)

    async def add(self, day: int, counts: Sequence[ReportCount], *, room: int) -> None:
        """Add to the counts of `day`."""
        async with self._database.transaction() as connection:
            folded: list[ReportCount] = []
            # In one order for all, first what may lack room, then what does not: two who add at
            # once never wait for each other in a circle.
            for row, count in _rows(day, counts, room=room):
                if (await connection.execute(self._add, row)).rowcount == 0:
                    folded.append(count)
            for row, _ in _rows(day, folded, room=UNBOUNDED, fold=True):
                await connection.execute(self._add, row)

    async def totals(self, *, since: int, limit: int) -> Sequence[ReportCount]:
        """The reports since a day, the most frequent first."""
        parts = [table.c[name] for name in _PARTS]
        total = func.sum(table.c.count)
        rows = await self._database.rows(
            select(
                *parts,
                total.label("total"),
                func.min(table.c.first_seen).label("first_seen"),
                func.max(table.c.last_seen).label("last_seen"),
            )
            .where(table.c.day >= since)
            .group_by(table.c.key, *parts)
            .order_by(total.desc(), table.c.key)
            .limit(limit)
        )
        return [
            ReportCount(
                report=BrowserReport(**{name: getattr(row, name) for name in _PARTS}),
                count=int(row.total),
                first_seen=row.first_seen,
                last_seen=row.last_seen,
            )
            for row in rows
        ]

    async def days(self, *, since: int) -> Sequence[DayCount]:
        """What was counted since a day, by day, kind and directive."""
        groups = (table.c.day, table.c.kind, table.c.directive)
        rows = await self._database.rows(
            select(*groups, func.sum(table.c.count).label("total"))
            .where(table.c.day >= since)
            .group_by(*groups)
        )
        found = [
            DayCount(day=row.day, kind=row.kind, directive=row.directive, count=int(row.total))
            for row in rows
        ]
        return sorted(found, key=lambda each: (each.day, each.kind, each.directive))

    async def prune(self, *, before: int) -> int:
        """Forget the days before this one."""
        return await self._database.count(delete(table).where(table.c.day < before))

    async def clear(self) -> int:
        """Forget everything."""
        return await self._database.count(delete(table))


def _add_statement(database: Database) -> Any:
    given = {column.name: bindparam(column.name, type_=column.type) for column in table.columns}
    known = exists().where(table.c.key == given["key"], table.c.day == given["day"])
    held = (
        select(func.count()).select_from(table).where(table.c.day == given["day"]).scalar_subquery()
    )
    insert = database.insert(table).from_select(
        list(given), select(*given.values()).where(or_(known, held < bindparam("room")))
    )
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=[table.c.key, table.c.day],
        set_={
            "count": table.c.count + new.count,
            "first_seen": case(
                (new.first_seen < table.c.first_seen, new.first_seen), else_=table.c.first_seen
            ),
            "last_seen": case(
                (new.last_seen > table.c.last_seen, new.last_seen), else_=table.c.last_seen
            ),
        },
    )


def _rows(
    day: int, counts: Sequence[ReportCount], *, room: int, fold: bool = False
) -> list[tuple[dict[str, Any], ReportCount]]:
    made: list[tuple[dict[str, Any], ReportCount]] = []
    for each in counts:
        report = each.report.folded if fold else each.report
        row = {name: getattr(report, name) for name in _PARTS}
        row |= {"key": report.key, "day": day, "count": each.count, "room": room}
        made.append((row | {"first_seen": each.first_seen, "last_seen": each.last_seen}, each))
    return sorted(made, key=lambda pair: str(pair[0]["key"]))
