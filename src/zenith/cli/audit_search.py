"""`zenith audit tail` and `search`: what happened, at the machine itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from zenith.assembly import Assembly
from zenith.audit import AuditQuery, AuditReader, StoredEvent, read_query
from zenith.audit.document import document_of, timestamp
from zenith.cli.accounts import operator
from zenith.cli.context import run
from zenith.cli.output import ExitCode, fail, say, show, show_json
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import ValidationError

PAUSE: Final = 1.0
"""Seconds between two looks for what is new."""
LATE: Final = 1_000
"""Places before the last that are looked at again: writers do not finish in the order in which
they were given their places."""
Filters = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FIELD=VALUE]...",
        help="type, outcome, severity, subject, target, about (subject or target), session_id,"
        " address, request_id, trace_id, event_id; since and until: 24h, 7d or a date.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Show = Callable[[Sequence[StoredEvent]], None]


def search(
    filters: Filters = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    before: Annotated[
        int | None,
        typer.Option(min=1, max=2**63 - 1, help="Only what stands before this place in the log."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find events by any of their fields, the newest first. The search is itself recorded."""
    query = _query(filters or [])

    async def work(assembly: Assembly) -> tuple[Sequence[StoredEvent], int | None]:
        reader = operator(assembly).subject
        page = await _reader(assembly).search(query, reader=reader, before=before, limit=limit)
        return page.events, page.next

    found, following = run(work)
    if as_json:
        show_json({"events": [_document(each) for each in found], "next": following})
        return
    show([_row(each) for each in found], empty="nothing was found")
    if following is not None:
        say(f"there is more: --before {following}")


def tail(
    filters: Filters = None,
    count: Annotated[int, typer.Option("-n", "--lines", min=0, max=1000, help="How many.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is new, until stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Show the last events, the newest at the end."""
    query = _query(filters or [])
    show_all = _show_lines if as_json else _show_rows

    async def work(assembly: Assembly) -> None:
        reader, by = _reader(assembly), operator(assembly).subject
        page = await reader.search(query, reader=by, limit=max(1, count))
        newest = max((each.sequence for each in page.events), default=0)
        show_all([*reversed(page.events)][-count:] if count else [])
        if follow:
            await following_on(reader, query, by=by, newest=newest, show=show_all)

    with suppress(KeyboardInterrupt):
        run(work)


async def following_on(
    reader: AuditReader,
    query: AuditQuery,
    *,
    by: str,
    newest: int,
    show: Show,
    pause: float = PAUSE,
) -> None:
    """Show what is new until cancelled. What is stored late, at a place before the newest, is shown
    as well, and nothing twice.
    """
    seen: deque[int] = deque(maxlen=2 * LATE)
    async for old in _following(reader, query, by=by, after=newest - LATE):
        seen.extend(each.sequence for each in old if each.sequence <= newest)
    while True:
        async for found in _following(reader, query, by=by, after=newest - LATE):
            known = set(seen)
            fresh = [each for each in found if each.sequence not in known]
            if fresh:
                show(fresh)
                seen.extend(each.sequence for each in fresh)
                newest = max(newest, fresh[-1].sequence)
        await asyncio.sleep(pause)


async def _following(
    reader: AuditReader, query: AuditQuery, *, by: str, after: int
) -> AsyncIterator[Sequence[StoredEvent]]:
    """Page by page all that follows a place: what is seen already may fill more than one."""
    place = max(0, after)
    while page := await reader.following(query, reader=by, after=place):
        yield page
        place = page[-1].sequence


def _query(filters: Sequence[str]) -> AuditQuery:
    texts: dict[str, str] = {}
    for each in filters:
        name, separator, value = each.partition("=")
        if not separator:
            fail(
                f"`{each}` is no filter",
                fix="write FIELD=VALUE, such as type=LOGIN_FAILED",
                code=ExitCode.USAGE,
            )
        if name in texts:
            fail(f"`{name}` is given twice", fix="give it once", code=ExitCode.USAGE)
        texts[name] = value
    try:
        return read_query(texts, now=wall_clock())
    except ValidationError as error:
        fail(error.detail, code=ExitCode.USAGE)


def _reader(assembly: Assembly) -> AuditReader:
    found: AuditReader | None = assembly.services.get(AuditReader)
    if found is None:
        fail("no audit log is kept", fix="leave out ZENITH_AUDIT=off", code=ExitCode.USAGE)
    return found


def _document(each: StoredEvent) -> dict[str, Any]:
    return {"sequence": each.sequence, **document_of(each.event)}


def _row(each: StoredEvent) -> dict[str, Any]:
    event = each.event
    return {
        "place": each.sequence,
        "at": timestamp(event.at)[:19].replace("T", " "),
        "type": event.type,
        "outcome": event.outcome,
        "who": event.subject or "-",
        "on": event.target or "-",
        "from": event.address or "-",
        "why": event.reason or "-",
    }


def _show_rows(events: Sequence[StoredEvent]) -> None:
    for each in events:
        row = _row(each)
        say(
            f"{row['at']}  {row['outcome']:<8} {row['type']:<22}"
            f" {row['who']}  {row['on']}  {row['from']}  {row['why']}"
        )


def _show_lines(events: Sequence[StoredEvent]) -> None:
    for each in events:
        sys.stdout.write(json.dumps(_document(each)) + "\n")
    sys.stdout.flush()
