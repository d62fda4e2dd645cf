"""The first-run link: it creates the administrator, once."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client
from zenith.accounts.depends import account_services
from zenith.authorization import public
from zenith.console.rendering import go_to, page_route, pages_of
from zenith.console.visitor_pages import SIGN_IN
from zenith.kernel.errors import ConflictError, RateLimitError, SecurityError, ValidationError
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings

SETUP: Final = "/setup"
COOKIE: Final = "zenith-setup"


def setup_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix=SETUP, include_in_schema=False)
    page_route(router, "", setup_form)
    router.add_api_route("", create_administrator, methods=["POST"])
    page_route(router, "/{secret}", arrive)
    return router


@public
async def arrive(request: Request, secret: str) -> Response:
    """Take the secret out of the address, so that no history or referrer keeps it (ASVS 14.2.1)."""
    services = account_services(request)
    await services.registration.check_setup_secret(secret)
    response = go_to(SETUP)
    response.headers.append(
        "set-cookie", _cookie(request, secret, int(services.settings.setup_link_lifetime))
    )
    return response


@public
async def setup_form(request: Request) -> Response:
    """Ask for the administrator's e-mail and password."""
    await account_services(request).registration.check_setup_secret(_secret(request))
    return _page(request)


@public
async def create_administrator(
    request: Request,
    email: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    repeated: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Create the administrator's account."""
    client = Client.of(exchange_of(request.scope))
    if password != repeated:
        return _page(request, email=email, error=ValidationError("The passwords differ"))
    try:
        await account_services(request).registration.create_administrator(
            _secret(request), email, password, client=client
        )
    except (ConflictError, RateLimitError, ValidationError) as error:
        return _page(request, email=email, error=error)
    response = go_to(SIGN_IN, notice="set-up")
    response.headers.append("set-cookie", _cookie(request, "", 0))
    return response


def _page(request: Request, *, email: str = "", error: SecurityError | None = None) -> Response:
    return pages_of(request).render(request, "setup.html", error=error, email=email)


def _secret(request: Request) -> str:
    exchange = exchange_of(request.scope)
    return exchange.cookies.get(_cookie_name(exchange), "")


def _cookie_name(exchange: Exchange) -> str:
    return f"__Host-{COOKIE}" if exchange.service(SessionSettings).secure_cookies else COOKIE


def _cookie(request: Request, value: str, lifetime: int) -> str:
    exchange = exchange_of(request.scope)
    secure = "; Secure" if exchange.service(SessionSettings).secure_cookies else ""
    name = _cookie_name(exchange)
    return f"{name}={value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax{secure}"
