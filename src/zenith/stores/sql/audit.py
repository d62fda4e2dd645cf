"""The audit log in SQL."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, cast

from sqlalchemy import Row, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from zenith.audit.search import AuditQuery, OutcomeCount
from zenith.audit.store import StoredEvent
from zenith.kernel.events import Event, EventType
from zenith.stores.sql import sqlite_engine
from zenith.stores.sql.audit_search import counts_of, page_of
from zenith.stores.sql.database import Database, to_json
from zenith.stores.sql.schema import audit_events

MAX_KEY: Final = 256
"""Characters kept of what is searched for."""
MAX_TEXT: Final = 1024
"""Characters kept of any other text."""
MAX_DEPTH: Final = 6
MAX_BITS: Final = 256
MAX_PAGE: Final = 1000
_COLUMNS: Final = tuple(column.name for column in audit_events.c if not column.primary_key)
_INSERT: Final = (
    f"INSERT INTO {audit_events.name} ({', '.join(_COLUMNS)}) "  # noqa: S608  names of our own
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)
"""For SQLite, where the row goes to the driver's thread together with COMMIT."""


class SqlAuditStore:
    """An append-only log: nothing here changes or removes an event.

    Threat: an event that hides itself, because its user agent or path cannot be stored (NUL, lone
    surrogates, overlong). Text is made storable instead of being refused (ASVS 16.4.1).
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def append(self, events: Sequence[Event]) -> None:
        """Store all events in order, in one step: the caller's, whose changes and events are kept
        together or not at all, or else one of their own, before returning.
        """
        rows = [_row(event) for event in events]
        if rows:
            await self._database.at_end(partial(self._write, rows), is_single=len(rows) == 1)

    async def _write(self, rows: Sequence[dict[str, Any]], connection: AsyncConnection) -> None:
        """The one place where rows of the log are written, last in their transaction."""
        if self._database.dialect == "sqlite":
            insertion = partial(_write_now, [_parameters(row) for row in rows])
            sqlite_engine.do_last(connection, insertion)
        else:
            await connection.execute(insert(audit_events), rows)

    async def page(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        kind: str | None = None,
        subject: str | None = None,
    ) -> Sequence[StoredEvent]:
        """Newest first; those before sequence `before`. `subject` matches actor or target."""
        found = select(audit_events).order_by(audit_events.c.sequence.desc())
        if before is not None:
            found = found.where(audit_events.c.sequence < before)
        if kind is not None:
            found = found.where(audit_events.c.type == kind)
        if subject is not None:
            key = storable(subject, MAX_KEY)
            found = found.where(or_(audit_events.c.subject == key, audit_events.c.target == key))
        rows = await self._database.rows(found.limit(min(max(0, limit), MAX_PAGE)))
        return [_stored(row) for row in rows]

    async def search(
        self,
        query: AuditQuery,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> Sequence[StoredEvent]:
        """What fits, newest first; with `after` what follows that sequence, oldest first."""
        limit = min(max(0, limit), MAX_PAGE)
        found = page_of(_storable(query), before=before, after=after, limit=limit)
        return [_stored(row) for row in await self._database.rows(found)]

    async def counts(self, query: AuditQuery, *, span: float, most: int) -> Sequence[OutcomeCount]:
        """How many of the newest `most` that fit there are in each span, by outcome."""
        rows = await self._database.rows(counts_of(_storable(query), span=span, most=most))
        return [OutcomeCount(span=row.span, outcome=row.outcome, count=row[2]) for row in rows]


def storable(value: str, length: int) -> str:
    """The text as every database can hold it: no NUL, no lone surrogate, at most `length` long."""
    text = value[:length].replace("\x00", "\ufffd")
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _storable(query: AuditQuery) -> AuditQuery:
    texts: dict[str, Any] = {**query.exact(), "about": query.about or None}
    kept: dict[str, Any] = {name: text and storable(text, MAX_KEY) for name, text in texts.items()}
    return replace(query, **kept)


def _write_now(rows: Sequence[tuple[Any, ...]], connection: sqlite3.Connection) -> None:
    connection.executemany(_INSERT, rows)


def _parameters(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(to_json(row[name]) if name == "details" else row[name] for name in _COLUMNS)


def _row(event: Event) -> dict[str, Any]:
    return {
        "type": str(event.type),
        "outcome": event.outcome,
        "severity": event.severity,
        "at": event.at,
        "subject": _optional(event.subject, MAX_KEY),
        "target": _optional(event.target, MAX_KEY),
        "session_id": _optional(event.session_id, MAX_KEY),
        "scheme": storable(event.scheme, MAX_KEY),
        "address": _optional(event.address, MAX_KEY),
        "user_agent": _optional(event.user_agent, MAX_TEXT),
        "request_id": _optional(event.request_id, MAX_KEY),
        "reason": storable(event.reason, MAX_TEXT),
        "details": _plain(event.details, MAX_DEPTH),
    }


def _optional(value: str | None, length: int) -> str | None:
    return None if value is None else storable(value, length)


def _plain(value: object, depth: int) -> Any:
    """What JSON can carry: an event must not be lost because a detail is of another type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= MAX_BITS else hex(value)[:MAX_TEXT]
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        if not depth:
            return "..."
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {storable(str(key), MAX_KEY): _plain(item, depth - 1) for key, item in items}
        return [_plain(item, depth - 1) for item in cast("Iterable[object]", value)]
    return storable(f"{value}", MAX_TEXT)


def _stored(row: Row[*tuple[Any, ...]]) -> StoredEvent:
    return StoredEvent(
        sequence=row.sequence,
        event=Event(
            type=EventType(row.type),
            outcome=row.outcome,
            severity=row.severity,
            at=row.at,
            subject=row.subject,
            target=row.target,
            session_id=row.session_id,
            scheme=row.scheme,
            address=row.address,
            user_agent=row.user_agent,
            request_id=row.request_id,
            reason=row.reason,
            details=row.details,
        ),
    )
