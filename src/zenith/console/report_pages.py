"""The page of what browsers reported, for administrators."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from zenith.authorization import require_everywhere
from zenith.console.rendering import READ_REPORTS, WRITE_REPORTS, go_to, page_route, pages_of
from zenith.console.report_chart import draw, name_of
from zenith.headers import ReportCollector
from zenith.pipeline import exchange_of

REPORTS: Final = "/admin/reports"
DAYS: Final = 30
SHOWN: Final = 100
read_reports = require_everywhere(READ_REPORTS)
write_reports = require_everywhere(WRITE_REPORTS)


def report_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix=REPORTS, include_in_schema=False)
    page_route(router, "", reports)
    router.add_api_route("/clear", clear, methods=["POST"])
    return router


@read_reports
async def reports(request: Request) -> Response:
    """What was reported of late, the most frequent first, and a chart of the days."""
    exchange = exchange_of(request.scope)
    collector = exchange.service(ReportCollector)
    days = await collector.days(days=DAYS)
    today = collector.today
    return pages_of(request).render(
        request,
        "reports.html",
        totals=await collector.totals(days=DAYS, limit=SHOWN),
        chart=draw(days, first=today - DAYS + 1, last=today),
        days=DAYS,
        shown=SHOWN,
        name_of=name_of,
        may_clear=exchange.principal.has_permission(WRITE_REPORTS),
    )


@write_reports
async def clear(request: Request) -> Response:
    """Forget all that was reported, after a policy was corrected."""
    exchange = exchange_of(request.scope)
    await exchange.service(ReportCollector).clear(by=exchange.principal.subject)
    return go_to(REPORTS, notice="reports-cleared")
