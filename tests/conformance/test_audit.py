"""Every audit store keeps the contract of `zenith.audit.store`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.conftest import Place
from zenith.audit.search import AuditQuery
from zenith.audit.store import AuditStore
from zenith.audit.stored import UNREADABLE
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.events import Event, EventType
from zenith.stores.sql import Database


def event(number: int, kind: EventType = EventType.LOGIN_SUCCESS) -> Event:
    return Event(
        type=kind,
        outcome="success",
        at=1000.5 + number,
        subject=f"actor-{number % 2}",
        target=f"target-{number}",
        session_id="s",
        scheme="session",
        address="192.0.2.1",
        user_agent="Browser/1.0",
        request_id="r",
        reason="because",
        severity="WARNING",
        details={"count": number, "nested": {"list": [1, "two", None, True, 1.5]}},
    )


async def test_an_event_comes_back_as_it_was_stored(audit: AuditStore) -> None:
    whole = event(1)
    bare = Event(type=EventType.LOGOUT, outcome="failure", at=5.0)
    await audit.append([whole])
    await audit.append([bare])
    assert [stored.event for stored in await audit.page()] == [bare, whole]


async def test_nothing_is_nothing(audit: AuditStore) -> None:
    await audit.append([])
    assert list(await audit.page()) == []


async def test_pages_go_back_in_order(audit: AuditStore) -> None:
    await audit.append([event(number) for number in range(5)])
    await audit.append([event(5)])
    await audit.append([event(number) for number in range(6, 25)])
    seen: list[int] = []
    before: int | None = None
    while found := await audit.page(before=before, limit=10):
        seen += [int(str(stored.event.details["count"])) for stored in found]
        before = found[-1].sequence
    assert seen == list(range(24, -1, -1))
    assert list(await audit.page(limit=0)) == []


async def test_events_are_found_by_type_and_subject(audit: AuditStore) -> None:
    await audit.append([event(0), event(1, EventType.LOGOUT), event(2), event(3)])
    await audit.append([replace(event(4), subject="admin", target="actor-1")])

    async def found(**wanted: str) -> list[int]:
        page = await audit.page(**wanted)  # type: ignore[arg-type]  # names of the filters
        return [int(str(stored.event.details["count"])) for stored in page]

    assert await found(kind="LOGOUT") == [1]
    assert await found(subject="actor-0") == [2, 0]
    assert await found(subject="actor-1") == [4, 3, 1]
    assert await found(subject="actor-1", kind="LOGIN_SUCCESS") == [4, 3]
    assert await found(subject="nobody") == []
    assert await found(kind="NOTHING") == []


async def numbers(audit: AuditStore, query: AuditQuery, **page: int) -> list[int]:
    found = await audit.search(query, **page)
    return [int(str(stored.event.details["count"])) for stored in found]


async def test_each_member_is_searched_for(audit: AuditStore) -> None:
    other = replace(
        event(1, EventType.LOGOUT),
        outcome="denied",
        severity="CRITICAL",
        session_id="s2",
        address="2001:db8::1",
        request_id="r2",
        trace_id="ab" * 16,
        event_id="cd" * 16,
    )
    await audit.append([event(0), other, event(2)])
    for query in (
        AuditQuery(type=EventType.LOGOUT),
        AuditQuery(outcome="denied"),
        AuditQuery(severity="CRITICAL"),
        AuditQuery(subject="actor-1"),
        AuditQuery(target="target-1"),
        AuditQuery(about="actor-1"),
        AuditQuery(about="target-1"),
        AuditQuery(session_id="s2"),
        AuditQuery(address="2001:db8::1"),
        AuditQuery(request_id="r2"),
        AuditQuery(trace_id="ab" * 16),
        AuditQuery(event_id="cd" * 16),
        AuditQuery(since=1001.5, until=1002.5),
        AuditQuery(subject="actor-1", outcome="denied", since=1001.5),
    ):
        assert await numbers(audit, query) == [1], query
    assert await numbers(audit, AuditQuery(subject="actor-1", outcome="success")) == []
    assert await numbers(audit, AuditQuery(since=1002.0)) == [2]
    assert await numbers(audit, AuditQuery(until=1001.0)) == [0]


async def test_what_cannot_be_stored_is_not_found_and_no_error(audit: AuditStore) -> None:
    await audit.append([event(0)])
    for text in ("\x00", "a\ud800", "x" * 5000, "' OR 1=1 --", "%", "_"):
        assert await numbers(audit, AuditQuery(subject=text)) == []
        assert await numbers(audit, AuditQuery(about=text)) == []
        assert await audit.counts(AuditQuery(target=text), span=60, most=10) == []


async def test_found_pages_follow_each_other_in_both_directions(audit: AuditStore) -> None:
    await audit.append([event(number) for number in range(10)])
    query = AuditQuery(subject="actor-0")
    first = await audit.search(query, limit=2)
    assert await numbers(audit, query, limit=2) == [8, 6]
    assert await numbers(audit, query, before=first[-1].sequence, limit=2) == [4, 2]
    assert await numbers(audit, query, after=first[-1].sequence) == [8]
    assert await numbers(audit, query, after=0, limit=3) == [0, 2, 4]
    assert await numbers(audit, query, after=0, before=first[-1].sequence) == [0, 2, 4]
    assert await numbers(audit, query, limit=-1) == []


async def test_events_are_counted_by_span_and_outcome(audit: AuditStore) -> None:
    await audit.append([event(number) for number in range(4)])
    await audit.append([replace(event(61), outcome="denied"), event(62)])

    async def counted(query: AuditQuery, most: int = 100) -> set[tuple[int, str, int]]:
        found = await audit.counts(query, span=60, most=most)
        return {(each.span, each.outcome, each.count) for each in found}

    first = 1000 // 60
    assert await counted(AuditQuery()) == {
        (first, "success", 4),
        (first + 1, "denied", 1),
        (first + 1, "success", 1),
    }
    assert await counted(AuditQuery(outcome="denied")) == {(first + 1, "denied", 1)}
    assert await counted(AuditQuery(), most=2) == {
        (first + 1, "denied", 1),
        (first + 1, "success", 1),
    }


@pytest.mark.parametrize("place_url", ["sqlite", "postgresql"], indirect=True)
async def test_one_row_that_is_no_event_hides_no_other(place: Place, audit: AuditStore) -> None:
    """A hand in the database, or a newer version, wrote it (ASVS 16.4.2)."""
    assert place.database is not None
    await audit.append([event(number) for number in range(6)])
    table, on_sqlite = "UPDATE zenith_audit_events SET", place.database.dialect == "sqlite"
    async with Database(place.owner_url) as owner:
        await owner.write(f"{table} type = 'MADE_LATER' WHERE sequence = 2")
        await owner.write(f"{table} outcome = 'fine', at = 1e300 WHERE sequence = 3")
        await owner.write(f"{table} details = '[]' WHERE sequence = 4")
        if on_sqlite:
            await owner.write(f"{table} details = '{{' WHERE sequence = 5")
            await owner.write(f"{table} subject = x'ff' WHERE sequence = 6")
    found = await audit.search(AuditQuery())
    assert [stored.sequence for stored in found] == [6, 5, 4, 3, 2, 1]
    unreadable = [each.sequence for each in found if each.event.reason == UNREADABLE]
    assert unreadable == ([6, 5, 4, 3, 2] if on_sqlite else [4, 3, 2])
    assert found[-2].event.details["type"] == "MADE_LATER"
    assert found[-1].event == event(0)


@pytest.mark.parametrize("place_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", ["zenith_audit_events", "zenith_audit_seals"])
async def test_the_application_may_change_nothing_of_the_log(
    place: Place, audit: AuditStore, table: str
) -> None:
    """Not even where it can be made to run SQL of somebody else's (ASVS 13.2.2, 16.4.2)."""
    assert place.database is not None
    await audit.append([event(0)])
    for statement in (
        f"UPDATE {table} SET stream = 'x'",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        f"TRUNCATE {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
    ):
        with pytest.raises(ServiceUnavailableError):
            await place.database.write(statement)
    assert len(await audit.page()) == 1
