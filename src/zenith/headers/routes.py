"""The address to which browsers send reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from zenith.headers.collector import ReportCollector
from zenith.headers.report_text import host_of
from zenith.headers.reports import LEGACY, REPORTS
from zenith.kernel.errors import BadRequestError, PayloadTooLargeError
from zenith.pipeline import exchange_of

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
MAX_BODY: Final = 65_536
NO_CONTENT: Final = 204


def report_endpoint(collector: ReportCollector, *, own_host: str = "") -> Endpoint:
    """What answers `POST` at `report_path`. The caller declares it public, limits it, and takes it
    out of the CSRF protection: browsers send reports by themselves, without tokens.

    `own_host` is the host under which users know the application, as addresses show it; the host
    of each request is its own too. Raises BadRequestError and PayloadTooLargeError.
    """

    async def collect(request: Request) -> Response:
        """Count what a browser reports; nothing that is sent is ever answered."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in (REPORTS, LEGACY):
            raise BadRequestError("No report", reason="a report of another media type")
        exchange = exchange_of(request.scope)
        asked = exchange.host or exchange.header(b"host")
        hosts = {own_host, host_of(asked, secure=exchange.secure)} - {""}
        collector.take(await _bounded(request), media_type=media_type, hosts=hosts)
        return Response(status_code=NO_CONTENT)

    return collect


async def _bounded(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise PayloadTooLargeError(reason=f"reports of more than {MAX_BODY} bytes")
    return bytes(body)
