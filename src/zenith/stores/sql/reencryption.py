"""Re-encryption of tables that are in use: page by page, never over somebody else's change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import Row, Select, Table, Update, bindparam, exc, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from zenith.encryption.columns import StoredValue
from zenith.encryption.errors import DecryptionError
from zenith.kernel.errors import ConflictError
from zenith.stores.sql.encrypted_rows import EncryptedTable
from zenith.stores.sql.errors import errors_wrapped
from zenith.stores.sql.reencryption_bookmark import Bookmark
from zenith.stores.sql.reencryption_part import Part, parts_of

PAGE: Final = 500
"""Rows that are read, renewed and written in one short transaction."""
ROUNDS: Final = 5
"""How often a table is gone through again while somebody still writes under a former key."""
TAKEN: Final = (exc.IntegrityError, ConflictError)
"""What says so depends on whose engine it is."""
SHOWN: Final = 20
"""Keys of rows that a report names."""
Told: TypeAlias = Callable[["TableReport"], None]
Change: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class TableReport:
    """What was found in one table, and done."""

    table: str
    total: int = 0
    """Rows at the beginning."""
    step: str = "re-encrypt"
    """`re-encrypt`, or `verify`, which reads every row once more."""
    seen: int = 0
    """Rows of this step."""
    renewed: int = 0
    left: int = 0
    """Rows that are not as they would be stored today, at the last look."""
    broken: int = 0
    """Rows with a value that does not open, or whose new tag another row has."""
    broken_rows: list[str] = field(default_factory=list)
    """The keys of the first of them."""

    @property
    def is_clean(self) -> bool:
        """Whether no row needs a former key, and each opens."""
        return not self.left and not self.broken


class Reencryption:
    """Brings every value of encrypted columns under the active keys.

    Threat: a rotation that loses data or never ends. A value is written only over the very
    ciphertext that it was made of (compare and set), so what somebody writes meanwhile stays. On
    PostgreSQL rows that somebody holds are passed over and looked at later: nobody waits for this,
    and nobody deadlocks with it. Where it got to is in `bookmark`; killed at any moment, it goes on
    there or begins anew, with the same end. It is done when a last reading has found no value under
    a former key or index, and has opened each (ASVS 11.2.2).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        tables: Iterable[Table],
        *,
        bookmark: Bookmark | None = None,
        page: int = PAGE,
        tell: Told | None = None,
    ) -> None:
        found = (EncryptedTable.of(table) for table in tables)
        self._tables: Final = [table for table in found if table is not None]
        self._engine: Final = engine
        self._bookmark: Final = bookmark
        self._page: Final = page
        self._told: Final = tell

    async def run(self) -> list[TableReport]:
        """Re-encrypt all tables and verify them; what was found in each."""
        marks = None
        if self._bookmark is not None:
            marks = await asyncio.to_thread(self._bookmark.open, self._fingerprint())
        reports: list[TableReport] = []
        with errors_wrapped():
            for table in self._tables:
                parts = await parts_of(self._engine, table)
                report = TableReport(table.name, await self._count(parts))
                reports.append(report)
                for part in parts:
                    await self._renew(part, report, marks)
            for table, report in zip(self._tables, reports, strict=True):
                await self._verify(table, report)
        if self._bookmark is not None and all(report.is_clean for report in reports):
            await asyncio.to_thread(self._bookmark.close)
        return reports

    async def check(self) -> list[TableReport]:
        """Look at every value and change nothing."""
        reports: list[TableReport] = []
        with errors_wrapped():
            for table in self._tables:
                total = await self._count(await parts_of(self._engine, table))
                report = TableReport(table.name, total, "verify")
                reports.append(report)
                await self._look(table, report)
        return reports

    def _fingerprint(self) -> str:
        return "\n".join(sorted(table.fingerprint() for table in self._tables))

    async def _count(self, parts: Iterable[Part]) -> int:
        total = 0
        for part in parts:
            async with part.connect(self._engine) as connection:
                found = select(func.count()).select_from(part.table.table)
                total += int((await connection.execute(found)).scalar_one())
        return total

    async def _renew(self, part: Part, report: TableReport, marks: Bookmark | None) -> None:
        """The first round, whose place is remembered."""
        after = None if marks is None else marks.place(part.name)
        if marks is not None and marks.is_done(part.name):
            return
        while True:
            after, count = await self._renew_page(part, after, report)
            report.seen += count
            self._tell(report)
            if marks is not None:
                await asyncio.to_thread(marks.move, part.name, after if count else None)
            if not count:
                return

    async def _renew_page(
        self, part: Part, after: Sequence[Any] | None, report: TableReport
    ) -> tuple[Sequence[Any] | None, int]:
        table = part.table
        try:
            async with part.connect(self._engine, write=True) as connection:
                rows = await self._read(connection, table, after, lock=True)
                changes = await asyncio.to_thread(_renewed, table, rows)
                await _write(connection, table, changes)
                report.renewed += len(changes)
        except TAKEN:
            # A unique tag that another row has by now: the rounds after this one find out which.
            rows = await self._read_alone(part, after)
        return (table.key_of(rows[-1]) if rows else after), len(rows)

    async def _verify(self, table: EncryptedTable, report: TableReport) -> None:
        """Read every row until a round has found nothing more to do."""
        report.step = "verify"
        for _ in range(ROUNDS):
            await self._look(table, report, mend=True)
            if not report.left:
                return

    async def _look(
        self, table: EncryptedTable, report: TableReport, *, mend: bool = False
    ) -> None:
        report.seen = report.left = report.broken = 0
        report.broken_rows.clear()
        for part in await parts_of(self._engine, table):
            async for rows in self._pages(part):
                changes, broken = await asyncio.to_thread(_examined, table, rows)
                report.seen += len(rows)
                report.left += len(changes)
                self._note(report, broken)
                for change in changes if mend else ():
                    await self._mend(part, change, report)
                self._tell(report)

    async def _mend(self, part: Part, change: Change, report: TableReport) -> None:
        # One row each: whoever waits for a row here holds no other.
        try:
            async with part.connect(self._engine, write=True) as connection:
                await _write(connection, part.table, [change])
        except TAKEN:
            report.left -= 1
            self._note(report, [part.table.told(change)])
        else:
            report.renewed += 1

    def _tell(self, report: TableReport) -> None:
        if self._told is not None:
            self._told(report)

    def _note(self, report: TableReport, broken: Sequence[str]) -> None:
        report.broken += len(broken)
        report.broken_rows += broken[: SHOWN - len(report.broken_rows)]

    async def _pages(self, part: Part) -> AsyncGenerator[Sequence[Row[*tuple[Any, ...]]]]:
        after: Sequence[Any] | None = None
        while rows := await self._read_alone(part, after):
            yield rows
            after = part.table.key_of(rows[-1])

    async def _read_alone(
        self, part: Part, after: Sequence[Any] | None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        async with part.connect(self._engine) as connection:
            return await self._read(connection, part.table, after)

    async def _read(
        self,
        connection: AsyncConnection,
        table: EncryptedTable,
        after: Sequence[Any] | None,
        *,
        lock: bool = False,
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        statement: Select[*tuple[Any, ...]] = (
            select(*table.selected).order_by(*table.keys).limit(self._page)
        )
        if after is not None:
            statement = statement.where(tuple_(*table.keys) > tuple_(*table.values(after)))
        if lock:
            # SQLite has no such thing and leaves it out: it has one writer.
            statement = statement.with_for_update(key_share=True, skip_locked=True)
        return (await connection.execute(statement)).all()


def _renewed(table: EncryptedTable, rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Change]:
    return _examined(table, rows)[0]


def _examined(
    table: EncryptedTable, rows: Iterable[Row[*tuple[Any, ...]]]
) -> tuple[list[Change], list[str]]:
    """What is to be written, and the keys of rows that do not open."""
    changes: list[Change] = []
    broken: list[str] = []
    for row in rows:
        try:
            change = table.change(row)
        except (DecryptionError, ValueError):
            broken.append(table.name_of(row))
        else:
            changes += [change] if change else []
    return changes, broken


async def _write(
    connection: AsyncConnection, table: EncryptedTable, changes: Iterable[Change]
) -> None:
    """Write each value over the one that it was made of, and over nothing else."""
    groups: dict[frozenset[str], list[Change]] = {}
    for change in changes:
        groups.setdefault(frozenset(change), []).append(change)
    for names, group in groups.items():
        await connection.execute(_statement(table, names), group)


def _statement(table: EncryptedTable, names: frozenset[str]) -> Update:
    statement = update(table.table)
    for number, key in enumerate(table.keys):
        statement = statement.where(key == bindparam(f"zenith_key_{number}", type_=key.type))
    for number, column in enumerate(table.columns):
        if f"zenith_new_{number}" in names:
            raw = table.raw(column)
            statement = statement.where(raw == bindparam(f"zenith_old_{number}", type_=raw.type))
            statement = statement.values(
                {column: StoredValue(f"zenith_new_{number}", type_=raw.type)}
            )
    return statement
