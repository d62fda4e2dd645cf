"""Reading a search from text, and recording who searched."""

from __future__ import annotations

import pytest

from tests.audit.fakes import Store, event
from zenith.audit import AuditQuery, AuditReader, read_query
from zenith.audit.reader import MAX_REMEMBERED
from zenith.audit.search import read_time
from zenith.kernel.errors import NotFoundError, ServiceUnavailableError, ValidationError
from zenith.kernel.events import Event, EventType

NOW = 1_800_000_000.0


def test_texts_become_a_query() -> None:
    texts = {
        "type": " login_failed ",
        "outcome": "DENIED",
        "severity": "warning",
        "subject": "ada",
        "trace_id": "ABC",
        "since": "2h",
        "until": "2027-01-15T08:00:00",
        "target": "",
    }
    assert read_query(texts, now=NOW) == AuditQuery(
        type=EventType.LOGIN_FAILED,
        outcome="denied",
        severity="WARNING",
        subject="ada",
        trace_id="abc",
        since=NOW - 7200,
        until=NOW,
    )
    assert read_query({}, now=NOW) == AuditQuery()


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"reason": "x"}, "nothing to search by"),
        ({"type": "NOTHING"}, "is no type of event; see the list"),
        ({"type": "login_fail"}, "did you mean LOGIN_FAILED"),
        ({"outcome": "good"}, "choose denied, error, failure, success"),
        ({"severity": "LOW"}, "is no severity"),
        ({"subject": "x" * 257}, "longer than 256"),
        ({"since": "yesterday"}, "is no time"),
        ({"since": "9" * 30 + "d"}, "is no time"),
        ({"until": "2027-13-01"}, "is no time"),
    ],
)
def test_what_cannot_be_read_is_told(texts: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        read_query(texts, now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - 90),
        ("90m", NOW - 5400),
        ("1w", NOW - 604_800),
        ("999999999w", 0.0),
        ("0001-01-01T00:00:00+23:59", 0.0),
        ("2027-01-15", NOW - 8 * 3600),
        ("2027-01-15T10:00+02:00", NOW),
    ],
)
def test_times_are_spans_dates_and_moments(text: str, expected: float) -> None:
    assert read_time(text, now=NOW) == expected


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.failure: Exception | None = None

    async def record(self, event: Event) -> None:
        if self.failure is not None:
            raise self.failure
        self.events.append(event)

    def note(self, event: Event) -> None:
        raise AssertionError("a reading is recorded before it is answered")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def reader(clock: Clock, sink: Sink) -> AuditReader:
    store = Store()
    await store.append([event(subject=f"s{number}", at=NOW - number) for number in range(5)])
    return AuditReader(store, sink, clock=clock)


async def test_pages_say_where_the_next_begins(reader: AuditReader) -> None:
    first = await reader.search(AuditQuery(), reader="eve", limit=2)
    assert [each.sequence for each in first.events] == [5, 4]
    assert first.next == 4
    second = await reader.search(AuditQuery(), reader="eve", before=first.next, limit=3)
    assert [each.sequence for each in second.events] == [3, 2, 1]
    assert second.next is None
    assert (await reader.search(AuditQuery(subject="x"), reader="eve")).next is None


async def test_a_reading_is_recorded_with_what_was_asked(reader: AuditReader, sink: Sink) -> None:
    query = AuditQuery(type=EventType.LOGIN_FAILED, subject="ada", since=NOW - 60)
    await reader.search(query, reader="eve")
    (told,) = sink.events
    assert (told.type, told.subject, told.target) == (EventType.AUDIT_READ, "eve", "audit log")
    assert told.details["asked"] == {
        "type": "LOGIN_FAILED",
        "subject": "ada",
        "since": "2027-01-15T07:59:00.000+00:00",
    }


async def test_the_same_question_is_recorded_once_in_ten_minutes(
    reader: AuditReader, sink: Sink, clock: Clock
) -> None:
    query = AuditQuery(subject="ada", since=NOW - 60)
    await reader.search(query, reader="eve")
    await reader.search(query, reader="eve", before=3)
    await reader.counts(query, NOW - 60, NOW, span=60)
    await reader.following(query, reader="eve", after=3)
    clock.now += 1
    await reader.search(AuditQuery(subject="ada", since=NOW - 59), reader="eve")
    assert len(sink.events) == 1
    await reader.search(query, reader="mallory")
    await reader.search(AuditQuery(subject="bob"), reader="eve")
    assert len(sink.events) == 3
    clock.now += 600
    await reader.search(query, reader="eve")
    assert len(sink.events) == 4


async def test_a_clock_that_was_set_back_hides_no_reading(
    reader: AuditReader, sink: Sink, clock: Clock
) -> None:
    await reader.search(AuditQuery(), reader="eve")
    clock.now -= 86_400
    await reader.search(AuditQuery(), reader="eve")
    await reader.search(AuditQuery(), reader="eve")
    assert len(sink.events) == 2


async def test_the_end_of_the_calendar_is_a_time(reader: AuditReader, sink: Sink) -> None:
    query = read_query({"until": "9999-12-31T23:59:59-14:00"}, now=NOW)
    assert len((await reader.search(query, reader="eve")).events) == 5
    assert sink.events[0].details["asked"] == {"until": "253402351199.0"}


async def test_nothing_is_shown_that_was_not_recorded(reader: AuditReader, sink: Sink) -> None:
    sink.failure = ServiceUnavailableError(reason="full")
    with pytest.raises(ServiceUnavailableError):
        await reader.search(AuditQuery(), reader="eve")
    with pytest.raises(ServiceUnavailableError):
        await reader.open(1, reader="eve")
    sink.failure = None
    await reader.search(AuditQuery(), reader="eve")
    assert len(sink.events) == 1


async def test_one_event_is_opened(reader: AuditReader, sink: Sink) -> None:
    assert (await reader.open(4, reader="eve")).event.subject == "s3"
    assert sink.events[-1].details == {"asked": {"sequence": 4}}
    for missing in (0, 6, -1):
        with pytest.raises(NotFoundError):
            await reader.open(missing, reader="eve")
    assert len(sink.events) == 1


async def test_counts_are_of_the_search_within_the_time_of_the_chart(reader: AuditReader) -> None:
    async def total(query: AuditQuery, since: float, until: float) -> int:
        return sum(each.count for each in await reader.counts(query, since, until, span=60))

    assert await total(AuditQuery(), NOW - 2, NOW + 1) == 3
    assert await total(AuditQuery(since=NOW - 1), NOW - 2, NOW + 1) == 2
    assert await total(AuditQuery(until=NOW - 1), NOW - 2, NOW + 1) == 1


async def test_the_last_verification_is_nobodys_secret(sink: Sink, clock: Clock) -> None:
    store = Store()
    reader = AuditReader(store, sink, clock=clock)
    assert await reader.last_verification() is None
    await store.append([event(EventType.AUDIT_VERIFIED, reason="first"), event()])
    await store.append([event(EventType.AUDIT_VERIFIED, reason="second"), event()])
    found = await reader.last_verification()
    assert found is not None
    assert found.event.reason == "second"
    assert sink.events == []


async def test_what_follows_is_found_in_order(reader: AuditReader) -> None:
    found = await reader.following(AuditQuery(), reader="eve", after=3)
    assert [each.sequence for each in found] == [4, 5]


async def test_what_is_remembered_of_readers_is_bounded(reader: AuditReader) -> None:
    for number in range(MAX_REMEMBERED + 10):
        await reader.search(AuditQuery(subject=str(number)), reader="eve")
    assert len(reader._told) == MAX_REMEMBERED
