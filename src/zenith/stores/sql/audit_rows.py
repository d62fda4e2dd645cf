"""Events as rows of the log: storable, marked, written in one statement."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import TextClause, text

from zenith.audit.keys import AuditKeys
from zenith.audit.record import TEXTS, encode, new_event_id
from zenith.audit.seal import NO_ID, raw_id
from zenith.kernel.events import Event
from zenith.stores.sql import sqlite_engine
from zenith.stores.sql.database import to_json
from zenith.stores.sql.engine import StoreConnection
from zenith.stores.sql.schema import audit_events

MAX_KEY: Final = 256
"""Characters kept of what is searched for."""
MAX_TEXT: Final = 1024
"""Characters kept of any other text."""
MAX_TRACE: Final = 64
MAX_DEPTH: Final = 6
MAX_BITS: Final = 256
Row: TypeAlias = tuple[Any, ...]
"""Values of COLUMNS."""
COLUMNS: Final = ("at", *TEXTS, "mac")
EVENT_ID: Final = COLUMNS.index("event_id")
MAC: Final = COLUMNS.index("mac")
_INTO: Final = f"INSERT INTO {audit_events.name} ({', '.join(COLUMNS)}) VALUES "  # noqa: S608  names of our own
_SQLITE: Final = f"{_INTO}({', '.join('?' * len(COLUMNS))})"
"""The row goes to the driver's thread together with COMMIT."""
_UNINDEXED: Final = _SQLITE.replace(") VALUES", ", unindexed) VALUES")[:-1] + ", 1)"
"""The same for a row that will be sealed, which then puts it into the indexes of searches."""
# The text whose MAC was made: what PostgreSQL keeps of `json` is the text itself.
_VALUES: Final = ", ".join(
    "CAST(:details AS JSON)" if name == "details" else f":{name}" for name in COLUMNS
)
_POSTGRESQL: Final[TextClause] = text(f"{_INTO}({_VALUES})")


def row_of(event: Event, keys: AuditKeys | None, stream: str) -> Row:
    """The values of an event's row, its MAC the last (absent without keys)."""
    at = float(event.at)
    texts = (
        stream,
        event.event_id if raw_id(event.event_id) != NO_ID else new_event_id(),
        str(event.type),
        event.outcome,
        event.severity,
        _optional(event.subject),
        _optional(event.target),
        _optional(event.session_id),
        storable(event.scheme, MAX_KEY),
        _optional(event.address),
        None if event.user_agent is None else storable(event.user_agent, MAX_TEXT),
        _optional(event.request_id),
        None if event.trace_id is None else storable(event.trace_id, MAX_TRACE),
        storable(event.reason, MAX_TEXT),
        to_json(_plain(event.details, MAX_DEPTH)) if event.details else "{}",
    )
    return (at, *texts, None if keys is None else keys.mark(encode(at, texts)))


async def write_rows(rows: Sequence[Row], dialect: str, connection: StoreConnection) -> None:
    """The one place where rows of the log are written, last in their transaction."""
    if dialect == "sqlite":
        sqlite_engine.do_last(connection, partial(_write_now, rows))
    else:
        values: list[dict[str, Any]] = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        await connection.execute(_POSTGRESQL, values)


def storable(value: str, length: int) -> str:
    """The text as every database can hold it: no NUL, no lone surrogate, at most `length` long."""
    if len(value) <= length and value.isascii() and "\x00" not in value:
        return value
    text = value[:length].replace("\x00", "\ufffd")
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _write_now(rows: Sequence[Row], connection: sqlite3.Connection) -> None:
    into = _SQLITE if rows[0][MAC] is None else _UNINDEXED
    if len(rows) == 1:
        connection.execute(into, rows[0])
    else:
        connection.executemany(into, rows)


def _optional(value: str | None) -> str | None:
    return None if value is None else storable(value, MAX_KEY)


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
