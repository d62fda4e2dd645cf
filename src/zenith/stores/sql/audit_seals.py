"""Seals of the audit log in SQL, and its rows as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, TypeVar

from sqlalchemy import delete, text

from zenith.audit.record import TEXTS, Record, leaf
from zenith.audit.seal import Seal, SealKind
from zenith.audit.seal_store import LAST
from zenith.stores.sql.database import Database
from zenith.stores.sql.schema import audit_events, audit_seals

T = TypeVar("T")
CHUNK: Final = 500
"""Values in one statement."""
INTEGER: Final = "typeof(number) = 'integer'"
"""SQLite keeps what is no number, too: as the end of a chain it would be in the way of the next."""
MAX_STRAY: Final = 1_000
_EVENTS: Final = audit_events.name
_SEAL_COLUMNS: Final = tuple(column.name for column in audit_seals.c)
_SEALS: Final = f"SELECT {', '.join(_SEAL_COLUMNS)} FROM {audit_seals.name} WHERE stream = ?"  # noqa: S608  names of our own

_INDEXED: Final = text(
    f"UPDATE {_EVENTS} SET unindexed = NULL WHERE sequence IN "  # noqa: S608  names of our own
    f"(SELECT sequence FROM {_EVENTS} WHERE unindexed IS NOT NULL ORDER BY sequence LIMIT :limit)"
)


class _OvertakenError(Exception):
    """Another process did it first: undo."""


class SqlSealStore:
    """Seals are inserted, never changed; the primary key lets one of several writers win.

    Only `prune` removes anything: a user of PostgreSQL that seals needs INSERT and SELECT, no more.
    What is proven of a row is never updated; `index` sets the column that no proof covers.
    Rows are read as the driver gives them: what somebody wrote into them must not keep them from
    being looked at.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        is_sqlite = database.dialect == "sqlite"
        details = "details" if is_sqlite else "CAST(details AS TEXT)"
        texts = ", ".join(details if name == "details" else name for name in TEXTS)
        self._records: Final = f"SELECT sequence, at, mac, {texts} FROM {_EVENTS} WHERE stream = ?"  # noqa: S608  names of our own
        self._seals: Final = f"{_SEALS} AND {INTEGER}" if is_sqlite else _SEALS
        self._defers: Final = is_sqlite
        self._adding: Final = database.insert(audit_seals).on_conflict_do_nothing()

    async def head(self, stream: str) -> Seal | None:
        """The last seal of a stream."""
        rows = await self._database.plain(f"{self._seals} ORDER BY number DESC LIMIT 1", stream)
        return _seal(rows[0]) if rows else None

    async def seals(self, stream: str, *, after: int, limit: int) -> Sequence[Seal]:
        """Seals with numbers above `after`, by number."""
        sql = f"{self._seals} AND number > ? ORDER BY number LIMIT ?"
        return list(map(_seal, await self._database.plain(sql, stream, after, limit)))

    async def append(self, seal: Seal) -> bool:
        """Add a seal, if its number is still free."""
        return await self._database.count(self._adding, _values(seal)) == 1

    async def index(self, *, limit: int) -> int:
        """Put up to so many new rows into the indexes by which the log is searched; how many.

        On SQLite an index costs a page with each row that is added by itself, and little with one
        of many. On PostgreSQL, where it costs little, rows are in them from the first moment.
        """
        return await self._database.count(_INDEXED, {"limit": limit}) if self._defers else 0

    async def prune(
        self, seal: Seal, *, through: int, count: int, sequences: Sequence[int]
    ) -> bool:
        """In one step: `append`, and remove the seals up to `through`, which are `count`, and these
        events; nothing if another process was faster with either.
        """
        seals, events = audit_seals.c, audit_events.c
        gone = delete(audit_seals).where(
            seals.stream == seal.stream,
            seals.number.between(through - count + 1, through),
            *([text(INTEGER)] if self._defers else ()),
        )
        try:
            async with self._database.transaction() as connection:
                _require((await connection.execute(self._adding, _values(seal))).rowcount, 1)
                _require((await connection.execute(gone)).rowcount, count)
                for some in _chunks(sequences):
                    gone = delete(audit_events).where(events.stream == seal.stream)
                    await connection.execute(gone.where(events.sequence.in_(some)))
        except _OvertakenError:
            return False
        return True

    async def last_tombstone(self, stream: str) -> Seal | None:
        """The newest seal of what was pruned."""
        sql = f"{self._seals} AND kind = ? ORDER BY number DESC LIMIT 1"
        rows = await self._database.plain(sql, stream, str(SealKind.PRUNED))
        return _seal(rows[0]) if rows else None

    async def records(self, stream: str, *, after: int, limit: int) -> Sequence[Record]:
        """Rows with sequences above `after`."""
        sql = f"{self._records} AND sequence > ? ORDER BY sequence LIMIT ?"
        return await self._database.plain(sql, stream, after, limit)

    async def leaves(
        self, stream: str, *, after: int, limit: int, through: int = LAST
    ) -> Sequence[tuple[int, bytes]]:
        """Sequence and `leaf` of these rows, up to the sequence `through`."""
        sql = f"{self._records} AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"
        return await self._database.each(_placed, sql, stream, after, through, limit)

    async def bound(self, stream: str, *, after: int, count: int) -> int | None:
        """The sequence of the row number `count` behind `after`; None if there are fewer."""
        sql = (
            f"SELECT sequence FROM {_EVENTS} "  # noqa: S608  names of our own
            "WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT 1 OFFSET ?"
        )
        rows = await self._database.plain(sql, stream, after, count - 1)
        return int(rows[0][0]) if rows else None

    async def records_at(self, stream: str, sequences: Sequence[int]) -> Sequence[Record]:
        """Rows by their sequences."""
        return await self._chosen(stream, "sequence", sequences)

    async def records_of(self, stream: str, event_ids: Sequence[str]) -> Sequence[Record]:
        """Rows by the ids of their events; a tampered log may hold more than one of an id."""
        return await self._chosen(stream, "event_id", event_ids)

    async def astray(self, stream: str, *, before: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Sequence and `leaf` of rows below the sequence `before`, the last first."""
        sql = f"{self._records} AND sequence < ? ORDER BY sequence DESC LIMIT ?"
        return await self._database.each(_placed, sql, stream, before, limit)

    async def stray_seals(self, stream: str) -> Sequence[object]:
        """Numbers of seals that no chain has: a thousand of them at most."""
        odd = f"(number < 0 OR NOT {INTEGER})" if self._defers else "number < 0"
        sql = f"SELECT number FROM {audit_seals.name} WHERE stream = ? AND {odd} LIMIT {MAX_STRAY}"  # noqa: S608  names of our own
        return [row[0] for row in await self._database.plain(sql, stream)]

    async def places(
        self, stream: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, str | None]]:
        """Sequence and event id of the rows above `after`."""
        sql = (
            f"SELECT sequence, event_id FROM {_EVENTS} "  # noqa: S608  names of our own
            "WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?"
        )
        return [(row[0], row[1]) for row in await self._database.plain(sql, stream, after, limit)]

    async def newest(self, stream: str) -> int:
        """The highest sequence; 0 where there is no row."""
        sql = f"SELECT sequence FROM {_EVENTS} WHERE stream = ? ORDER BY sequence DESC LIMIT 1"  # noqa: S608  names of our own
        rows = await self._database.plain(sql, stream)
        return int(rows[0][0]) if rows else 0

    async def _chosen(self, stream: str, column: str, values: Sequence[Any]) -> Sequence[Record]:
        kept: list[Record] = []
        for some in _chunks(values):
            sql = f"{self._records} AND {column} IN ({', '.join('?' * len(some))})"
            kept += await self._database.plain(sql, stream, *some)
        return sorted(kept, key=itemgetter(0))


def _placed(record: Record) -> tuple[int, bytes]:
    return record[0], leaf(record)


def _require(rows: int, wanted: int) -> None:
    if rows != wanted:
        raise _OvertakenError


def _values(seal: Seal) -> dict[str, Any]:
    return {name: getattr(seal, name) for name in _SEAL_COLUMNS} | {"kind": str(seal.kind)}


def _seal(row: Sequence[Any]) -> Seal:
    return Seal(**dict(zip(_SEAL_COLUMNS, row, strict=True)))


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
