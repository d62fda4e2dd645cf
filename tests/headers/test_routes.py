"""The address of reports, on any application."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tests.pipeline.asgi import client
from zenith.authorization import AuthorizationGuard, public
from zenith.headers import HeadersGuard, HeadersSettings, ReportCollector, report_endpoint
from zenith.headers.reports import LEGACY, REPORTS
from zenith.headers.routes import MAX_BODY
from zenith.pipeline import SecurityMiddleware
from zenith.stores.memory import MemoryReportStore

SETTINGS = HeadersSettings(report_path="/reports")


@pytest.fixture
async def collector():
    made = ReportCollector(MemoryReportStore(), SETTINGS)
    yield made
    await made.stop()


@pytest.fixture
def app(collector):
    endpoint = public(report_endpoint(collector, own_host="app.example.org"))
    inner = Starlette(routes=[Route("/reports", endpoint, methods=["POST"])])
    return SecurityMiddleware(inner, guards=[HeadersGuard(SETTINGS), AuthorizationGuard()])


async def post(app, content, media_type, *, base="https://proxy.internal"):
    async with client(app, base) as browser:
        headers = {"content-type": media_type}
        return await browser.post("/reports", content=content, headers=headers)


@pytest.mark.parametrize("page", ["https://app.example.org/a", "https://proxy.internal/a"])
@pytest.mark.parametrize("media_type", [REPORTS, f"{REPORTS}; charset=utf-8"])
async def test_a_report_is_counted_under_either_host(app, collector, page, media_type):
    body = json.dumps([{"type": "crash", "url": page, "body": {"reason": "oom"}}])
    answer = await post(app, body, media_type)
    assert (answer.status_code, answer.content) == (204, b"")
    (found,) = await collector.totals()
    assert (found.report.kind, found.report.document, found.count) == ("crash", "/a", 1)


async def test_a_report_of_older_browsers_is_counted(app, collector):
    told = {"document-uri": "http://localhost/a", "violated-directive": "img-src"}
    body = json.dumps({"csp-report": told})
    assert (await post(app, body, LEGACY, base="http://localhost:80")).status_code == 204
    (found,) = await collector.totals()
    assert found.report.directive == "img-src"


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"[]", "application/json", 400),
        (b"[]", "", 400),
        (b"{", REPORTS, 400),
        (b" " * (MAX_BODY + 1), REPORTS, 413),
        (b"[" + b" " * (MAX_BODY - 2) + b"]", REPORTS, 204),
    ],
)
async def test_anything_else_is_refused(app, collector, body, media_type, status):
    assert (await post(app, body, media_type)).status_code == status
    assert await collector.totals() == []
