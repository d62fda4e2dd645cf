"""Searching the audit log in SQL: bound values, one index each, pages by key."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Integer, Select, cast, func, literal_column, or_, select

from zenith.audit.search import AuditQuery
from zenith.stores.sql.schema import audit_events

USUAL: Final = {"outcome": "success", "severity": "INFO"}
"""What nearly all events have: the indexes of these columns are of the others."""


def page_of(
    query: AuditQuery, *, before: int | None, after: int | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """The statement for a page: newest first, or with `after` the oldest of what follows."""
    found = _fitting(select(audit_events), query)
    if before is not None:
        found = found.where(audit_events.c.sequence < before)
    if after is not None:
        found = found.where(audit_events.c.sequence > after)
        return found.order_by(audit_events.c.sequence).limit(limit)
    return found.order_by(audit_events.c.sequence.desc()).limit(limit)


def counts_of(query: AuditQuery, *, span: float, most: int) -> Select[*tuple[Any, ...]]:
    """The statement for the counts; no log is so large that it reads more than `most` rows."""
    columns = select(audit_events.c.at, audit_events.c.outcome)
    newest = _fitting(columns, query).order_by(audit_events.c.at.desc()).limit(most).subquery()
    number = cast(func.floor(newest.c.at / span), Integer).label("span")
    count = func.count().label("count")
    return select(number, newest.c.outcome, count).group_by(number, newest.c.outcome)


def _fitting(found: Select[*tuple[Any, ...]], query: AuditQuery) -> Select[*tuple[Any, ...]]:
    columns = audit_events.c
    for name, wanted in query.exact().items():
        found = found.where(columns[name] == wanted)
        usual = USUAL.get(name, wanted)
        if wanted != usual:
            # Written out, and not bound: so that the index of what is unusual is known to fit.
            found = found.where(columns[name] != literal_column(f"'{usual}'"))
    if query.type is not None:
        found = found.where(columns.type == str(query.type))
    if query.about is not None:
        found = found.where(or_(columns.subject == query.about, columns.target == query.about))
    if query.since is not None:
        found = found.where(columns.at >= query.since)
    if query.until is not None:
        found = found.where(columns.at < query.until)
    return found
