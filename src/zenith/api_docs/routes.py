"""Routes that serve an API's documentation from files of this package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from zenith.api_docs.page import check_options, docs_page, redirect_page
from zenith.pipeline import EXCHANGE_KEY, Exchange

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
Declare: TypeAlias = Callable[[Endpoint], Endpoint]
TokenOf: TypeAlias = Callable[[Request], tuple[str, str] | None]
"""Gives the header and the token with which a caller's changes are believed, if they need one."""

ASSETS: Final = Path(__file__).parent / "assets"
SERVED: Final = frozenset(
    {"docs.js", "oauth2-redirect.js", "swagger-ui-bundle.js", "swagger-ui.css"}
)
NOT_FOUND: Final = 404


def docs_routes(
    *,
    docs_url: str = "/docs",
    openapi_url: str = "/openapi.json",
    title: str,
    access: Declare,
    redirect_url: str | None = None,
    options: Mapping[str, object] | None = None,
    oauth: Mapping[str, object] | None = None,
    page_headers: Declare | None = None,
    redirect_headers: Declare | None = None,
    csrf: TokenOf | None = None,
) -> list[Route]:
    """The documentation at `docs_url`, its sign-in return page and its files below.

    Threat: an API's map, with a console to call it, open to whoever finds it (ASVS 13.4.5); so
    `access` has no default: pass `public` or `require_role("developer")`. `page_headers` and
    `redirect_headers` mark the two pages with what `page.PAGE_DIRECTIVES`, `PAGE_OPENER_POLICY`
    and `REDIRECT_OPENER_POLICY` say. `redirect_url` defaults to `<docs_url>/oauth2-redirect`.
    `csrf` lets those who are signed in by cookie try changes, too.
    Raises ConfigurationError for unsafe `options` or a secret in `oauth`.
    """
    check_options(options or {}, oauth or {})
    asset_url = docs_url.rstrip("/") + "/assets"
    back = redirect_url or docs_url.rstrip("/") + "/oauth2-redirect"
    page = _page(title, openapi_url, asset_url, back, options, oauth, csrf)
    redirect = _redirect(asset_url)
    return [
        _route(docs_url, access(page_headers(page) if page_headers else page)),
        _route(back, access(redirect_headers(redirect) if redirect_headers else redirect)),
        _route(asset_url + "/{name}", access(_asset())),
    ]


def _page(
    title: str,
    openapi_url: str,
    asset_url: str,
    back: str,
    options: Mapping[str, object] | None,
    oauth: Mapping[str, object] | None,
    csrf: TokenOf | None,
) -> Endpoint:
    async def page(request: Request) -> Response:
        root = _root(request)
        return HTMLResponse(
            docs_page(
                title=f"{title} - API documentation",
                openapi_url=root + openapi_url,
                asset_url=root + asset_url,
                redirect_url=root + back,
                options=options,
                oauth=oauth,
                csrf=None if csrf is None else csrf(request),
                nonce=_nonce(request),
            )
        )

    return page


def _redirect(asset_url: str) -> Endpoint:
    async def redirect(request: Request) -> Response:
        return HTMLResponse(
            redirect_page(asset_url=_root(request) + asset_url, nonce=_nonce(request))
        )

    return redirect


def _asset() -> Endpoint:
    files = StaticFiles(directory=ASSETS)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in SERVED:
            raise HTTPException(NOT_FOUND)
        response = await files.get_response(name, request.scope)
        # Asked for again each time, and answered with 304: an upgrade never mixes old with new.
        response.headers["cache-control"] = "no-cache"
        return response

    return asset


def _route(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["GET"], include_in_schema=False)


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


def _nonce(request: Request) -> str:
    """The response's nonce; none where no pipeline runs, and then no policy asks for one."""
    exchange = request.scope.get(EXCHANGE_KEY)
    return exchange.nonce if isinstance(exchange, Exchange) else ""
