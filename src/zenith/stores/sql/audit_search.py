"""Searching the audit log in SQL: bound values, one index each, pages by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Text,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from zenith.audit.search import AuditQuery
from zenith.stores.sql.schema import audit_events

Condition: TypeAlias = ColumnElement[bool]
USUAL: Final = {"outcome": "success", "severity": "INFO"}
"""What nearly all events have: the indexes of these columns are of the others."""
EVERYTHING: Final = AuditQuery()
# The JSON as it is: a row in which it is none must not take its page with it.
_COLUMNS: Final[Sequence[ColumnElement[Any]]] = [
    cast(each, Text).label(each.name) if each.name == "details" else each
    for each in audit_events.c
    if each.name not in {"stream", "mac", "unindexed"}
]
_SETTLED: Final[Condition] = audit_events.c.unindexed.is_(None)
_NEW: Final[Condition] = audit_events.c.unindexed.is_not(None)


def page_of(
    query: AuditQuery,
    *,
    stream: str,
    before: int | None,
    after: int | None,
    limit: int,
    splits: bool,
) -> Select[*tuple[Any, ...]]:
    """The statement for a page: newest first, or with `after` the oldest of what follows.

    Threat: an event that is put beside the log, into a `stream` that nobody verifies, and is shown.

    `splits`: new rows are in no index of searches (SQLite). They are looked through one by one, and
    all others are found by an index, in one statement, so that none is missed that moves meanwhile.
    """
    sequence = audit_events.c.sequence
    between: list[Condition] = [audit_events.c.stream == stream]
    if before is not None:
        between.append(sequence < before)
    if after is not None:
        between.append(sequence > after)
    order = sequence.desc() if after is None else sequence
    found = select(*_COLUMNS).order_by(order).limit(limit)
    if not splits or query == EVERYTHING:
        return found.where(*_fitting(query, true()), *between)

    def places(part: Condition) -> Select[*tuple[Any, ...]]:
        fitting = _fitting(query, part)
        return select(sequence).where(part, *fitting, *between).order_by(order).limit(limit)

    return found.where(sequence.in_(_either(places)))


def counts_of(
    query: AuditQuery, *, stream: str, span: float, most: int, splits: bool
) -> Select[*tuple[Any, ...]]:
    """The statement for the counts; no log is so large that it reads more than `most` rows of
    either part.
    """

    def times(part: Condition) -> Select[*tuple[Any, ...]]:
        columns = select(audit_events.c.at, audit_events.c.outcome)
        found = columns.where(part, audit_events.c.stream == stream, *_fitting(query, part))
        return found.order_by(audit_events.c.at.desc()).limit(most)

    found = _either(times).subquery() if splits else times(true()).subquery()
    newest = select(found).order_by(found.c.at.desc()).limit(most).subquery()
    number = cast(func.floor(newest.c.at / span), Integer).label("span")
    count = func.count().label("count")
    return select(number, newest.c.outcome, count).group_by(number, newest.c.outcome)


def _either(
    part_of: Callable[[Condition], Select[*tuple[Any, ...]]],
) -> CompoundSelect[*tuple[Any, ...]]:
    """Both parts; within a union SQLite takes an ordered part as a subquery only."""
    parts = (part_of(_SETTLED).subquery(), part_of(_NEW).subquery())
    return union_all(*(select(part) for part in parts))


def _fitting(query: AuditQuery, part: Condition) -> Sequence[Condition]:
    columns = audit_events.c
    fitting: list[Condition] = []
    for name, wanted in query.exact().items():
        fitting.append(columns[name] == wanted)
        usual = USUAL.get(name, wanted)
        if wanted != usual:
            # Written out, and not bound: so that the index of what is unusual is known to fit.
            fitting.append(columns[name] != literal_column(f"'{usual}'"))
    if query.type is not None:
        fitting.append(columns.type == str(query.type))
    if query.about is not None:
        either = (columns.subject == query.about, columns.target == query.about)
        # Each with its own condition: SQLite looks there, whether an index fits one of several.
        fitting.append(or_(*(and_(each, part) for each in either) if part is _SETTLED else either))
    if query.since is not None:
        fitting.append(columns.at >= query.since)
    if query.until is not None:
        fitting.append(columns.at < query.until)
    return fitting
