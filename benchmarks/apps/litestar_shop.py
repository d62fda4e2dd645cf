"""Litestar, bare and with its own parts, each as its own documentation shows it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count as count_from
from itertools import cycle
from typing import Any

from litestar import Litestar
from litestar import get as route_get
from litestar import post as route_post
from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection, Request
from litestar.datastructures import ResponseHeader
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.security.jwt import JWTAuth, Token

from benchmarks.apps.assembled import PERMISSION, cookies_from, issue
from benchmarks.apps.shop import SECRET, Item, create_item, get, get_with_token, post, read_item
from benchmarks.driver import HOST, Call

CSRF_COOKIE = "csrftoken"
ADDRESSES = 1000
HEADERS: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _application(*handlers: HTTPRouteHandler, **more: Any) -> Litestar:
    return Litestar(route_handlers=handlers, openapi_config=None, logging_config=None, **more)


async def _create_item(data: Item) -> Item:
    """Here the body's parameter has a name that is given."""
    return await create_item(data)


class LitestarBare:
    """Litestar and nothing else."""

    def __init__(self) -> None:
        self.app = _application(
            route_get("/items/{item_id:int}")(read_item),
            route_post("/items", status_code=200)(_create_item),
        )
        self._numbers = count_from(1)

    async def start(self) -> None:
        """It is ready."""

    async def stop(self) -> None:
        """Nothing is held."""

    def seen(self) -> Call:
        return get_with_token(issue(0))

    def unseen(self, count: int) -> list[Call]:
        return [get_with_token(issue(next(self._numbers))) for _ in range(count)]

    def change(self) -> Call:
        return post((b"cookie", b"session=" + b"x" * 64), (b"x-csrftoken", b"x" * 128))


async def _user(token: Token, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    del connection
    return token.sub


# Asynchronous, as the rest: a plain function would be called in a thread each time.
async def _may_read(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    del handler
    if PERMISSION not in connection.auth.extras["permissions"]:
        raise PermissionDeniedException


async def _signed_in(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    del handler
    if "user" not in connection.session:
        raise NotAuthorizedException


@route_get("/sign-in")
async def _sign_in(request: Request[Any, Any, Any]) -> dict[str, str]:
    request.set_session({"user": "account-0"})
    return {"status": "signed in"}


def _limit() -> RateLimitConfig:
    """Its limiter keeps every hit of an address until the window ends, and rewrites them all with
    each request. One address that sends thousands in a minute would measure that and nothing else,
    so the requests are counted for a thousand addresses in turn.
    """
    addresses = cycle([f"203.0.113.{number}" for number in range(ADDRESSES)])
    return RateLimitConfig(
        rate_limit=("second", 100_000_000), identifier_for_request=lambda _: next(addresses)
    )


class LitestarProtected:
    """Allowed hosts, rate limit, session, CSRF, JWTAuth with a guard, and response headers."""

    def __init__(self) -> None:
        tokens = JWTAuth[str](
            token_secret=SECRET,
            retrieve_user_handler=_user,
            accepted_audiences=["zenith"],
            accepted_issuers=["zenith"],
        )
        self.app = _application(
            route_get("/items/{item_id:int}", middleware=[tokens.middleware], guards=[_may_read])(
                read_item
            ),
            route_post("/items", status_code=200, guards=[_signed_in])(_create_item),
            _sign_in,
            allowed_hosts=AllowedHostsConfig(allowed_hosts=[HOST.decode("ascii")]),
            csrf_config=CSRFConfig(secret=SECRET, cookie_secure=True),
            middleware=[
                _limit().middleware,
                ServerSideSessionConfig(secure=True).middleware,
            ],
            response_headers=[
                ResponseHeader(name=name, value=value) for name, value in HEADERS.items()
            ],
        )
        self._cookies: dict[str, str] = {}
        self._numbers = count_from(1)

    async def start(self) -> None:
        """Sign in, to have a session and what proves one's own page."""
        self._cookies = await cookies_from(self.app, get(path="/sign-in"))

    async def stop(self) -> None:
        """Nothing is held."""

    def seen(self) -> Call:
        return get_with_token(issue(0))

    def unseen(self, count: int) -> list[Call]:
        return [get_with_token(issue(next(self._numbers))) for _ in range(count)]

    def change(self) -> Call:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return post(
            (b"cookie", cookies.encode("ascii")),
            (b"x-csrftoken", self._cookies[CSRF_COOKIE].encode("ascii")),
        )
