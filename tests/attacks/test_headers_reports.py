"""Anybody sends reports: to fill the database, to write into logs and terminals, to hide what is
true, to read secrets back, or to ride on a session (ASVS 3.5.1, 14.2.1, 15.2.2, 16.4.1).
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from tests.accounts.application import make_settings
from zenith import Zenith
from zenith.headers import HeadersSettings
from zenith.headers.routes import MAX_BODY

PATH = "/browser-reports"
TYPES = ["application/reports+json", "application/csp-report"]
HARMLESS = re.compile(r"[A-Za-z0-9._~*:/\[\]-]*")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    """One application for all: its start is most of the time."""
    settings = make_settings(tmp_path_factory.mktemp("reports"))
    headers = HeadersSettings(report_path=PATH, max_reports=25)
    application = Zenith(settings=replace(settings, headers=headers))
    yield application
    await application.middleware_stack.stop()


class Sender:
    """Somebody at an address of his own, who talks to the application."""

    def __init__(self, app, number):
        self.reports = app.assembly.reports
        self._transport = httpx.ASGITransport(app=app, client=(f"192.0.2.{number}", 1))

    def client(self):
        return httpx.AsyncClient(transport=self._transport, base_url="http://localhost:8000")


@pytest_asyncio.fixture(loop_scope="module")
async def app(running, request):
    yield Sender(running, 1 + request.session.items.index(request.node) % 250)
    await running.assembly.reports.clear(by="tests")


def violation(**told):
    url = told.pop("url", "http://localhost:8000/page")
    body = {"effectiveDirective": "img-src", "blockedURL": "https://a.example/x"} | told
    return json.dumps([{"type": "csp-violation", "url": url, "body": body}])


async def send(app, content, *, media_type=TYPES[0], headers=(), method="POST"):
    async with app.client() as browser:
        given = {"content-type": media_type} | dict(headers)
        return await browser.request(method, PATH, content=content, headers=given)


async def test_a_browser_of_a_stranger_or_of_a_user_is_heard(app):
    for headers in ({}, {"cookie": "session=x"}, {"origin": "null", "sec-fetch-site": "none"}):
        answer = await send(app, violation(), headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "set-cookie" not in answer.headers
    (found,) = await app.reports.totals()
    assert found.count == 3


async def test_a_foreign_page_gets_nothing_but_a_count(app):
    """The address is out of the CSRF protection: it must do nothing for whom the cookies name."""
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    answer = await send(app, violation(), headers=foreign)
    assert answer.status_code == 204
    assert "access-control-allow-origin" not in answer.headers
    preflight = {**foreign, "access-control-request-method": "POST"}
    answer = await send(app, "", headers=preflight, method="OPTIONS")
    assert answer.status_code in (403, 405)
    assert (await send(app, "", method="GET")).status_code in (404, 405)


BROKEN = [
    b"x" * (MAX_BODY + 1),
    b"[" * MAX_BODY,
    b"{",
    b"\xff\xfe",
    b"9" * 10_000,
    b'{"type": 7}',
    b'{"csp-report": 7}',
]


async def test_bodies_made_to_break_the_reader(app):
    for media_type in TYPES:
        for content in BROKEN:
            answer = await send(app, content, media_type=media_type)
            assert answer.status_code == (413 if len(content) > MAX_BODY else 400)
        deep = b'{"csp-report":' + b'{"a":' * 900 + b"1" + b"}" * 901
        assert (await send(app, deep, media_type=media_type)).status_code < 500
    # A form is no report, and the address takes nothing but reports.
    for media_type in ("application/json", "text/plain", "application/x-www-form-urlencoded", ""):
        assert (await send(app, violation(), media_type=media_type)).status_code == 400
    assert await app.reports.totals() == []


async def test_a_flood_from_one_address_is_refused(app):
    answers = [await send(app, violation()) for _ in range(61)]
    assert [each.status_code for each in answers[-2:]] == [204, 429]
    # The address is not refused elsewhere for it, and has lost nothing of its other limits.
    async with app.client() as browser:
        assert (await browser.get("/healthz")).status_code == 200
        left = (await browser.get("/openapi.json")).headers["x-ratelimit-remaining"]
    assert int(left) == 99_999


async def test_a_flood_of_inventions_fills_nothing_and_hides_nothing(app):
    await send(app, violation(blockedURL="https://true.example/"))
    for number in range(40):
        await send(app, violation(blockedURL=f"https://x{number}.example/"))
    await app.reports.flush()
    await send(app, violation(blockedURL="https://true.example/"))
    await send(app, violation(effectiveDirective="font-src"))
    found = {
        (each.report.directive, each.report.blocked): each.count
        for each in await app.reports.totals(limit=1000)
    }
    assert len(found) <= 25 + 2
    assert sum(found.values()) == 43
    assert found["img-src", "https://true.example"] == 2
    # What came too late for a row of its own is still counted.
    assert found["font-src", ""] == 1


EVIL = [
    "https://a.example/\r\n2026-11-22 ERROR forged",
    "\x1b]0;owned\x07",
    "<script>alert(1)</script>",
    "https://<img src=x onerror=alert(1)>/",
    "javascript:alert(1)//\n",
    "https://user:hunter2@a.example/?token=hunter2#hunter2",
    "data:text/html,hunter2",
    "http://localhost:8000/reset/hunter2hunter2hunter2?hunter2",
    "=HYPERLINK(1)",
    "\u202etxt.exe",
    "é" * 1000,
]


async def test_nothing_that_is_sent_is_kept_as_it_was(app, caplog):
    names = ("blockedURL", "effectiveDirective", "sourceFile", "disposition", "documentURL", "url")
    for evil in EVIL:
        told = [json.loads(violation(**{name: evil}))[0] for name in names]
        told.append({"type": "deprecation", "url": "http://localhost:8000/", "body": {"id": evil}})
        assert (await send(app, json.dumps(told))).status_code == 204
    found = await app.reports.totals(limit=1000)
    assert len(found) > len(EVIL)
    for each in found:
        report = each.report
        for text in (report.directive, report.blocked, report.document, report.source):
            assert HARMLESS.fullmatch(text), text
            assert "hunter2" not in text
            assert len(text) <= 300
    assert "hunter2" not in caplog.text
    assert "forged" not in caplog.text


@pytest.mark.parametrize("name", ["blockedURL", "sourceFile"])
async def test_letters_that_only_unicode_takes_for_the_alphabet_stop_no_other_reports(app, name):
    for evil in ("https://\u017f.example/", "http://a\u0131\u0130.example", "bl\u212ab:x"):
        assert (await send(app, violation(**{name: evil}))).status_code == 204
    await send(app, violation(effectiveDirective="font-src"))
    assert await app.reports.flush()
    assert [each.count for each in await app.reports.totals()] == [3, 1]


async def test_reports_about_pages_of_others_are_not_kept(app):
    for url in (
        "https://evil.example/",
        "http://localhost:8000.evil.example/",
        "http://localhost/",
    ):
        assert (await send(app, violation(url=url))).status_code == 204
    assert await app.reports.totals() == []
