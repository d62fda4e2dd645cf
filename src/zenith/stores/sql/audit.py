"""The audit log in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import Row

from zenith.audit.keys import AuditKeys
from zenith.audit.search import AuditQuery, OutcomeCount
from zenith.audit.store import StoredEvent
from zenith.audit.stored import event_of
from zenith.kernel.events import Event, EventType
from zenith.kernel.one_step import after_step
from zenith.stores.sql.audit_rows import EVENT_ID, MAC, MAX_KEY, row_of, storable, write_rows
from zenith.stores.sql.audit_rows import Row as NewRow
from zenith.stores.sql.audit_search import counts_of, page_of
from zenith.stores.sql.database import Database
from zenith.stores.sql.engine import StoreConnection

MAX_PAGE: Final = 1000
STREAM: Final = "main"
Written: TypeAlias = Callable[[Sequence[tuple[str, bytes]]], None]
"""Takes ids and MACs of events that are committed."""


class SqlAuditStore:
    """An append-only log: nothing here changes or removes an event.

    Threat: an event that hides itself, because its user agent or path cannot be stored (NUL, lone
    surrogates, overlong). Text is made storable instead of being refused (ASVS 16.4.1).
    """

    def __init__(
        self,
        database: Database,
        *,
        keys: AuditKeys | None = None,
        stream: str = STREAM,
        written: Written | None = None,
    ) -> None:
        self._database: Final = database
        self._keys: Final = keys
        self._stream: Final = stream
        self._written: Final = written
        self._splits: Final = database.dialect == "sqlite"

    async def append(self, events: Sequence[Event]) -> None:
        """Store all events in order, in one step: the caller's, whose changes and events are kept
        together or not at all, or else one of their own, before returning. With `keys` each has a
        MAC; `written` is told of them once they are committed.
        """
        if not events:
            return
        rows = [row_of(event, self._keys, self._stream) for event in events]
        await self._database.at_end(partial(self._write, rows), is_single=len(rows) == 1)
        if self._written is not None:
            await after_step(partial(self._tell, self._written, rows))

    async def _write(self, rows: Sequence[NewRow], connection: StoreConnection) -> None:
        await write_rows(rows, self._database.dialect, connection)

    async def _tell(self, written: Written, rows: Sequence[NewRow]) -> None:
        written([(row[EVENT_ID], row[MAC]) for row in rows])

    async def page(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        kind: str | None = None,
        subject: str | None = None,
    ) -> Sequence[StoredEvent]:
        """Newest first; those before sequence `before`. `subject` matches actor or target."""
        query = AuditQuery(
            type=cast("EventType | None", kind),
            about=None if subject is None else storable(subject, MAX_KEY),
        )
        return await self._page(query, before=before, after=None, limit=limit)

    async def search(
        self,
        query: AuditQuery,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> Sequence[StoredEvent]:
        """What fits, newest first; with `after` what follows that sequence, oldest first."""
        return await self._page(_storable(query), before=before, after=after, limit=limit)

    async def counts(self, query: AuditQuery, *, span: float, most: int) -> Sequence[OutcomeCount]:
        """How many of the newest `most` that fit there are in each span, by outcome."""
        counted = counts_of(
            _storable(query), stream=self._stream, span=span, most=most, splits=self._splits
        )
        rows = await self._database.rows(counted, is_lenient=True)
        return [OutcomeCount(span=row.span, outcome=row.outcome, count=row[2]) for row in rows]

    async def _page(
        self, query: AuditQuery, *, before: int | None, after: int | None, limit: int
    ) -> Sequence[StoredEvent]:
        limit = min(max(0, limit), MAX_PAGE)
        found = page_of(
            query,
            stream=self._stream,
            before=before,
            after=after,
            limit=limit,
            splits=self._splits,
        )
        rows = await self._database.rows(found, is_lenient=True)
        return [_stored(row) for row in rows]


def _storable(query: AuditQuery) -> AuditQuery:
    texts: dict[str, Any] = {**query.exact(), "about": query.about or None}
    kept: dict[str, Any] = {name: text and storable(text, MAX_KEY) for name, text in texts.items()}
    return replace(query, **kept)


def _stored(row: Row[*tuple[Any, ...]]) -> StoredEvent:
    # Public, in spite of its name.
    found = row._mapping  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return StoredEvent(sequence=row.sequence, event=event_of(cast("Mapping[str, Any]", found)))
