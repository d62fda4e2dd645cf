"""The routes that every application has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zenith.authorization import public
from zenith.csrf import csrf_exempt
from zenith.headers import report_endpoint
from zenith.kernel.network import client_key
from zenith.pipeline import exchange_of
from zenith.rate_limits import RateLimiter, rate_limit
from zenith.stores.memory import MemoryRateLimitStore

if TYPE_CHECKING:
    from zenith.assembly.assembly import Assembly

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
PROBES: Final = "600/minute"
"""How often one address may ask for the health, in place of the limit of all routes."""


def add_own_routes(app: Starlette, assembly: Assembly) -> None:
    """Add what load balancers ask for, and where browsers send reports."""
    for path, endpoint in (("/healthz", _healthz()), ("/readyz", _readyz(assembly))):
        limited = _limited_here(assembly, endpoint, name=path)
        app.add_route(path, public(limited), include_in_schema=False)
    headers = assembly.settings.headers
    if headers is None or headers.report_path is None or not headers.collect_reports:
        return
    host = assembly.settings.origin.partition("://")[2]
    collect = report_endpoint(assembly.reports, own_host=host)
    limited = _limited(assembly, collect, headers.report_limit, name="reports")
    if assembly.settings.csrf is not None:
        exempt = csrf_exempt("browsers send reports by themselves; only counts are kept")
        limited = exempt(limited)
    app.add_route(headers.report_path, public(limited), methods=["POST"], include_in_schema=False)


def _limited_here(assembly: Assembly, endpoint: Endpoint, *, name: str) -> Endpoint:
    """Load balancers ask often, many from one address, and must not be told to go away. Counted in
    the process: where shared counters are away and nothing is served without them, this is.
    """
    if assembly.settings.rate_limits is None:
        return endpoint
    here = RateLimiter(MemoryRateLimitStore())

    async def counted(request: Request) -> Response:
        client = client_key(exchange_of(request.scope).client)
        await here.require(name, keys={"address": client}, limits=PROBES)
        return await endpoint(request)

    return rate_limit(exempt=lambda _: True, replaces_default=True)(counted)


def _limited(assembly: Assembly, endpoint: Endpoint, limit: str, *, name: str) -> Endpoint:
    if assembly.settings.rate_limits is None:
        return endpoint
    return rate_limit(limit, name=name, replaces_default=True)(endpoint)


def _healthz() -> Endpoint:
    async def healthz(request: Request) -> Response:
        """Whether the process serves requests."""
        del request
        return JSONResponse({"status": "ok"})

    return healthz


def _readyz(assembly: Assembly) -> Endpoint:
    async def readyz(request: Request) -> Response:
        """Whether the process can serve: 503 where the database does not answer."""
        del request
        whole = await assembly.check_readiness()
        return JSONResponse({"status": "ready" if whole else "degraded"})

    return readyz
