"""Every audit store keeps the contract of `zenith.audit.store`."""

from __future__ import annotations

from dataclasses import replace

from zenith.audit.store import AuditStore
from zenith.kernel.events import Event, EventType


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
