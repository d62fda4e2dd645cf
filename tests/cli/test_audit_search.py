"""`zenith audit search` and `tail`."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest

from tests.audit.fakes import Store, event
from tests.cli.test_accounts import in_home
from zenith.audit import AuditQuery, AuditReader
from zenith.cli import audit_search
from zenith.cli.audit_search import following_on
from zenith.kernel.clock import wall_clock
from zenith.kernel.events import Event, EventSink, EventType, Silence


@pytest.fixture
def told(tmp_path):
    async def work(assembly):
        sink = assembly.services[EventSink]
        for number in range(5):
            await sink.record(
                Event(
                    type=EventType.DATA_EXPORT,
                    outcome="success",
                    at=wall_clock() - 100 + number,
                    subject=f"person{number % 2}",
                    address="192.0.2.1",
                    reason="\x1b[31mred",
                )
            )

    in_home(tmp_path, work)


def test_a_search_for_people(zenith, told):
    result = zenith("audit", "search", "subject=person0", "since=1h", "--limit", "2")
    head, first, second, more = result.stdout.splitlines()
    assert head.split() == ["place", "at", "type", "outcome", "who", "on", "from", "why"]
    assert first.split()[3:8] == ["DATA_EXPORT", "success", "person0", "-", "192.0.2.1"]
    assert "\x1b" not in result.stdout
    place = second.split()[0]
    assert more == f"there is more: --before {place}"
    older = zenith("audit", "search", "subject=person0", "--before", place)
    assert len(older.stdout.splitlines()) == 2
    assert zenith("audit", "search", "about=nobody").stdout == "nothing was found\n"


def test_a_search_for_programs(zenith, told):
    found = json.loads(zenith("audit", "search", "subject=person1", "--json").stdout)
    assert [each["subject"] for each in found["events"]] == ["person1", "person1"]
    assert found["events"][0]["sequence"] > found["events"][1]["sequence"]
    assert found["events"][0]["at"].endswith("+00:00")
    assert found["next"] is None


def test_who_searched_is_in_the_log(zenith, told):
    zenith("audit", "search", "subject=person1")
    (found,) = json.loads(zenith("audit", "search", "type=AUDIT_READ", "--json").stdout)["events"][
        1:
    ]
    assert found["subject"] == "operator"
    assert found["details"] == {"asked": {"subject": "person1"}}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["person0"], "write FIELD=VALUE"),
        (["subject=a", "subject=b"], "given twice"),
        (["reason=x"], "nothing to search by"),
        (["type=LOGIN_FAIL"], "did you mean LOGIN_FAILED"),
        (["since=soon"], "is no time"),
    ],
)
def test_what_cannot_be_searched_for_is_told(zenith, arguments, says):
    for command in ("search", "tail"):
        result = zenith("audit", command, *arguments)
        assert result.exit_code == 2
        assert says in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "--before", "0"],
        ["search", "--before", str(2**63)],
        ["search", "--limit", "0"],
        ["search", "--limit", "1001"],
        ["tail", "-n", "-1"],
    ],
)
def test_numbers_of_no_place_are_told(zenith, arguments):
    assert zenith("audit", *arguments).exit_code == 2
    assert zenith("audit", "search", "--before", str(2**63 - 1)).exit_code == 0


def test_without_a_log_there_is_nothing_to_read(zenith):
    result = zenith("audit", "search", ZENITH_AUDIT="off")
    assert (result.exit_code, "no audit log is kept" in result.stderr) == (2, True)


def test_the_last_events_end_with_the_newest(zenith, told):
    lines = zenith("audit", "tail", "type=DATA_EXPORT", "-n", "3").stdout.splitlines()
    assert len(lines) == 3
    assert [line.split()[4] for line in lines] == ["person0", "person1", "person0"]
    (line,) = zenith("audit", "tail", "type=DATA_EXPORT", "-n", "1", "--json").stdout.splitlines()
    assert json.loads(line)["subject"] == "person0"
    assert zenith("audit", "tail", "-n", "0").stdout == ""


def test_following_ends_with_an_interrupt(zenith, told, monkeypatch):
    async def interrupted(reader, query, *, by, newest, show):
        assert newest > 0
        raise KeyboardInterrupt

    monkeypatch.setattr(audit_search, "following_on", interrupted)
    result = zenith("audit", "tail", "type=DATA_EXPORT", "--follow")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 5


async def test_following_shows_what_is_new_once_and_what_came_late():
    store = Store()
    await store.append([event(subject=str(number)) for number in range(3)])
    reader = AuditReader(store, Silence())
    shown = []
    late = store._events[1]
    del store._events[1]

    def show(events):
        shown.extend(each.event.subject for each in events)

    following = asyncio.create_task(
        following_on(reader, AuditQuery(), by="operator", newest=3, show=show, pause=0.001)
    )
    await asyncio.sleep(0.005)
    await store.append([event(subject="new")])
    store._events.insert(1, late)
    async with asyncio.timeout(5):
        while len(shown) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.005)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert sorted(shown) == ["1", "new"]


async def test_following_goes_on_where_the_log_is_long():
    store = Store()
    await store.append([event(subject=str(number)) for number in range(3_500)])
    shown = []
    following = asyncio.create_task(
        following_on(
            AuditReader(store, Silence()),
            AuditQuery(),
            by="operator",
            newest=3_500,
            show=lambda events: shown.extend(each.event.subject for each in events),
            pause=0.001,
        )
    )
    await asyncio.sleep(0.05)
    await store.append([event(subject=f"new {number}") for number in range(2_500)])
    async with asyncio.timeout(5):
        while len(shown) < 2_500:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert shown == [f"new {number}" for number in range(2_500)]
