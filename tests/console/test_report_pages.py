"""The page of reports, and the address that they come to."""

from __future__ import annotations

import json
import re

import pytest

from tests.console.conftest import EASY
from zenith.console import create_server
from zenith.console.report_chart import REST, draw
from zenith.headers import DayCount
from zenith.settings import Settings

PAGE, AT = "/admin/reports", "/browser-reports"
HEADERS = {"Content-Type": "application/reports+json"}


@pytest.fixture
def told(house):
    """The server, set up and without reports."""
    _ = house.ada
    house.run(house.app.assembly.reports.clear(by="test"))
    return house


def report(house, path="/account/", directive="img-src", blocked="https://img.example/x?y"):
    body = {"effectiveDirective": directive, "blockedURL": blocked, "disposition": "report"}
    url = f"http://localhost:8000{path}"
    sent = json.dumps([{"type": "csp-violation", "url": url, "body": body}])
    return house.visitor().client.post(AT, content=sent, headers=HEADERS)


def test_reports_are_shown_and_forgotten(told):
    assert "No browser has reported" in told.ada.get(PAGE).text
    for directive in ("img-src", "img-src", "font-src", "media-src", "style-src", "frame-src"):
        assert report(told, directive=directive).status_code == 204
    page = told.ada.get(PAGE)
    assert page.status_code == 200
    assert '<span class="mail">img-src</span> <span class="tag">report only</span>' in page.text
    assert "https://img.example<" in page.text
    assert "x?y" not in page.text
    assert len(re.findall('<rect class="series[0-4]" x=', page.text)) == 5
    assert "at most 6 a day" in page.text
    assert f"</svg>{REST}</li>" in page.text
    assert " style=" not in page.text
    page = told.ada.send(PAGE + "/clear", form=PAGE)
    page = told.ada.get(page.headers["location"])
    assert "All reports are forgotten" in page.text
    assert "No browser has reported" in page.text
    assert "Forget all" not in page.text


def test_other_members_neither_read_nor_forget(told):
    member = told.visitor().join("plain@example.org")
    assert member.get(PAGE, follow_redirects=False).status_code == 403
    answer = member.send(PAGE + "/clear", form="/account/")
    assert answer.status_code == 403
    assert PAGE not in member.get("/account/").text
    assert PAGE in told.ada.get("/admin/accounts").text


def test_every_page_says_where_to_report(told):
    policy = told.ada.get("/account/").headers["content-security-policy"]
    assert policy.endswith(f"report-uri {AT}")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, AT),
        ({"ZENITH_HEADERS__COLLECT_REPORTS": "false"}, None),
        ({"ZENITH_HEADERS__REPORT_PATH": "/elsewhere"}, "/elsewhere"),
        ({"ZENITH_HEADERS": "off"}, None),
        ({"ZENITH_CSRF": "off", "ZENITH_RATE_LIMITS": "off"}, AT),
        (
            {
                "ZENITH_HEADERS__REPORT_PATH": "/own",
                "ZENITH_HEADERS__COLLECT_REPORTS": "false",
            },
            None,
        ),
    ],
)
def test_collecting_can_be_turned_off_or_moved(tmp_path, variables, expected):
    given = {"ZENITH_HOME": str(tmp_path), **EASY, **variables}
    if variables.get("ZENITH_RATE_LIMITS") == "off":
        del given["ZENITH_RATE_LIMITS__PER_ADDRESS"]
    app = create_server(Settings.from_env(given, dotenv=None))
    app.middleware_stack = app.build_middleware_stack()
    app.middleware_stack.prepare()
    posts = {
        route.path
        for route in app.routes
        if getattr(route, "methods", None) == {"POST"} and not route.path.startswith("/auth")
    }
    assert posts == ({expected} if expected else set())


def count(day, directive, number, kind="csp"):
    return DayCount(day=day, kind=kind, directive=directive, count=number)


def test_bars_stand_on_each_other_and_fill_the_chart():
    chart = draw([count(10, "img-src", 3), count(10, "font-src", 1), count(12, "font-src", 2)],
                 first=10, last=12)  # fmt: skip
    assert chart.names == ("font-src", "img-src")
    assert chart.most == 4
    shapes = [(bar.series, bar.y, bar.height) for bar in chart.bars]
    assert shapes == [(0, 120, 40), (1, 0, 120), (0, 80, 80)]
    assert [bar.x for bar in chart.bars] == [30, 30, 510]
    assert chart.bars[0].title == "11 Jan, font-src: 1"
    assert (chart.first, chart.last) == ("11 Jan", "13 Jan")


def test_what_is_rare_shares_a_colour():
    counts = [count(1, f"d{number}", 10 - number) for number in range(7)]
    chart = draw([*counts, count(1, "dns.failed", 1, "network")], first=1, last=1)
    assert chart.names == ("d0", "d1", "d2", "d3", REST)
    assert chart.bars[-1].title.endswith(f"{REST}: {6 + 5 + 4 + 1}")
    assert draw([], first=1, last=30).most == 0
