"""The pages of the audit log: searched, opened, verified; and who looked is in it."""

from __future__ import annotations

import re
import time

import pytest

from zenith.assembly.audit_log import AuditParts
from zenith.audit import AuditQuery, OutcomeCount
from zenith.console.audit_chart import Window, draw, totals
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import new_id

PAGE = "/admin/audit"
HOUR, DAY = 3600, 86_400
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def told(open_house):
    """A server whose log holds a hundred events of two people."""
    house = open_house()
    _ = house.ada
    store = house.app.assembly.services[AuditParts].store
    now = time.time()
    events = [
        Event(
            type=EventType.DATA_EXPORT if number % 2 else EventType.LOGIN_FAILED,
            outcome="success" if number % 2 else "failure",
            at=now - 60 * (100 - number),
            subject=f"person{number % 2}",
            target="<script>alert(1)</script>" if number == 7 else "GET /orders/{id}",
            address="192.0.2.77",
            trace_id=TRACE if number == 9 else None,
            event_id=new_id(),
            reason="of the tests",
            details={"number": number, "text": "</pre><b>"},
        )
        for number in range(100)
    ]
    house.run(store.append(events))
    return house


def rows(page):
    return re.findall(r'<a href="/admin/audit/(\d+)">([^<]*)<', page.text)


def test_the_newest_events_are_shown_with_a_chart(told):
    page = told.ada.get(PAGE)
    assert page.status_code == 200
    assert len(rows(page)) == 50
    places = [int(place) for place, _ in rows(page)]
    assert places == sorted(places, reverse=True)
    assert "By hour" in page.text
    assert re.search(r'<rect class="series1" x=', page.text)
    assert re.search(r"In all \d+ success, \d+ failure, \d+ denied, \d+ error", page.text)
    assert " style=" not in page.text
    assert "<script>alert" not in page.text
    assert "Never verified" in page.text
    assert "ada@example.org" in page.text


def test_a_search_finds_by_each_field_and_goes_on_in_pages(told):
    page = told.ada.get(f"{PAGE}?about=person0&type=login_failed&outcome=failure&since=24h")
    assert len(rows(page)) == 50
    assert {meaning for _, meaning in rows(page)} == {"Failed login attempt"}
    assert 'value="person0"' in page.text
    assert '<option value="LOGIN_FAILED" selected>' in page.text
    page = told.ada.get(f"{PAGE}?address=192.0.2.77")
    seen = rows(page)
    older = re.search(r'href="([^"]+)" rel="next"', page.text)
    page = told.ada.get(older.group(1).replace("&amp;", "&"))
    assert len(rows(page)) == 50
    assert not {*seen} & {*rows(page)}
    assert 'rel="next"' not in page.text
    assert f'<a href="{PAGE}?address=192.0.2.77">First page</a>' in page.text
    assert "<details open>" in page.text
    assert len(rows(told.ada.get(f"{PAGE}?trace_id={TRACE.upper()}"))) == 1
    assert "Nothing was found" in told.ada.get(f"{PAGE}?subject=nobody").text


def test_an_address_stands_for_its_account(told):
    page = told.ada.get(f"{PAGE}?about=Ada%40example.org&type=ADMINISTRATOR_CREATED")
    assert len(rows(page)) == 1
    for unknown in ("nobody@example.org", "@", "a@@b"):
        assert rows(told.ada.get(PAGE, params={"about": unknown})) == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("type=LOGIN_FAIL", "did you mean LOGIN_FAILED"),
        ("since=yesterday", "is no time"),
        ("before=x", "is no place"),
        ("before=-1", "is no place"),
        ("before=" + "9" * 19, "is no place"),
        ("outcome=<b>", "&lt;b&gt;` is no outcome"),
        ("subject=" + "x" * 300, "longer than 256"),
    ],
)
def test_what_cannot_be_searched_for_is_told(told, query, says):
    page = told.ada.get(f"{PAGE}?{query}")
    assert page.status_code == 422
    assert says in page.text
    assert "Nothing was searched for" in page.text
    assert rows(page) == []


def test_one_event_is_opened_with_all_its_fields(told):
    (place, _), *_ = rows(told.ada.get(f"{PAGE}?trace_id={TRACE}"))
    page = told.ada.get(f"{PAGE}/{place}")
    assert page.status_code == 200
    assert "<h1>User data exported</h1>" in page.text
    for text in (TRACE, "person1", "of the tests", "192.0.2.77", "GET /orders/{id}"):
        assert text in page.text
    assert f'<a href="{PAGE}?trace_id={TRACE}">' in page.text
    assert "</pre><b>" not in page.text
    assert "&#34;number&#34;: 9" in page.text or '"number": 9' in page.text


@pytest.mark.parametrize(
    "place", ["0", "-1", "99999999", str(2**63 - 2), str(2**63 - 1), "9" * 30, "x"]
)
def test_there_is_no_other_event(told, place):
    assert told.ada.get(f"{PAGE}/{place}").status_code in {404, 422}


def test_who_looks_is_in_the_log(told):
    told.ada.get(f"{PAGE}?subject=somebody")
    told.ada.get(f"{PAGE}?subject=somebody")
    store = told.app.assembly.services[AuditParts].store
    query = AuditQuery(type=EventType.AUDIT_READ)
    found = [each.event for each in told.run(store.search(query, limit=500))]
    asked = [each for each in found if each.details == {"asked": {"subject": "somebody"}}]
    assert len(asked) == 1
    assert asked[0].address == "127.0.0.1"
    assert asked[0].scheme == "session"
    assert asked[0].subject


def test_others_neither_read_nor_verify(told):
    member = told.visitor().join("plain@example.org")
    for path in (PAGE, f"{PAGE}/1", f"{PAGE}/verification", f"{PAGE}/verification/state"):
        assert member.get(path, follow_redirects=False).status_code == 403
    answer = member.send(f"{PAGE}/verification", form="/account/")
    assert answer.status_code == 403
    assert PAGE not in member.get("/account/").text


def test_the_log_is_verified_beside_the_requests(told):
    at = f"{PAGE}/verification"
    page = told.ada.get(at)
    assert "It was never verified" in page.text
    assert told.ada.get(at + "/state").json() == {"running": False, "done": 0, "total": 0}
    answer = told.ada.send(at, form=at)
    assert answer.headers["location"] == at
    deadline = time.monotonic() + 10
    while told.ada.get(at + "/state").json()["running"] and time.monotonic() < deadline:
        time.sleep(0.02)
    page = told.ada.get(at)
    assert "nothing was changed, removed or added" in page.text
    assert "Verify again" in page.text
    assert ": whole</span>" in told.ada.get(PAGE).text


def test_without_a_log_there_is_no_page(open_house):
    house = open_house(ZENITH_AUDIT="off")
    assert house.ada.get(PAGE).status_code == 404
    assert PAGE not in house.ada.get("/admin/accounts").text


def window(now=10 * DAY, **query):
    return Window.of(AuditQuery(**query), now=now)


def test_charts_show_the_time_that_was_searched():
    usual = window()
    assert (usual.unit, usual.first, usual.last) == ("hour", 9 * 24, 10 * 24)
    assert (usual.begin, usual.end) == (9 * DAY, 10 * DAY + HOUR)
    week = window(since=3 * DAY + 5.0)
    assert (week.unit, week.first, week.last) == ("day", 3, 10)
    assert window(since=2 * DAY, until=3 * DAY).last == 72
    assert window(until=99 * DAY).last == 10 * 24
    # Of the future there is nothing, and of ages not all.
    assert window(since=99 * DAY).first == window(since=99 * DAY).last
    assert window(now=200 * DAY, since=0.0).first == 110
    assert window(now=5.0).first == 0


def test_bars_stand_for_outcomes():
    counts = [
        OutcomeCount(span=240, outcome="denied", count=3),
        OutcomeCount(span=240, outcome="success", count=1),
    ]
    chart = draw(counts, window())
    assert chart.most == 4
    assert [(bar.series, bar.height) for bar in chart.bars] == [(0, 40), (2, 120)]
    assert chart.bars[0].title == "11 Jan, 00:00, success: 1"
    assert totals(counts) == {"success": 1, "failure": 0, "denied": 3, "error": 0}
    assert draw([], window(since=1.0)).first == "01 Jan"
