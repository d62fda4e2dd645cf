"""Pages for whoever comes: welcome, register, sign in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client
from zenith.accounts.depends import account_services
from zenith.authorization import public
from zenith.console.cookies import device_cookie, device_cookie_name, session_header
from zenith.console.rendering import HOME, go_to, own_path, pages_of
from zenith.kernel.errors import SecurityError, ValidationError
from zenith.pipeline import exchange_of

Email = Annotated[str, Form(max_length=254)]
Password = Annotated[str, Form(max_length=1024)]
SIGN_IN = "/account/sign-in"


def visitor_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", welcome, methods=["GET"])
    router.add_api_route(SIGN_IN, sign_in_form, methods=["GET"])
    router.add_api_route(SIGN_IN, sign_in, methods=["POST"])
    router.add_api_route("/account/register", register_form, methods=["GET"])
    router.add_api_route("/account/register", register, methods=["POST"])
    return router


@public
async def welcome(request: Request) -> Response:
    """What this is, and where to begin."""
    if exchange_of(request.scope).principal.is_authenticated:
        return go_to(HOME)
    return pages_of(request).render(request, "welcome.html", open=_is_open(request))


@public
async def sign_in_form(request: Request) -> Response:
    """Ask for e-mail and password."""
    return _sign_in_page(request, wanted=own_path(request.query_params.get("next", HOME)))


@public
async def sign_in(
    request: Request,
    email: Email = "",
    password: Password = "",
    wanted: Annotated[str, Form(alias="next", max_length=2048)] = HOME,
) -> Response:
    """Begin a session. It is always a new one, whatever cookie came along."""
    exchange = exchange_of(request.scope)
    services = account_services(request)
    client = Client.of(exchange, device_cookie=device_cookie_name(exchange))
    present = exchange.principal if exchange.principal.is_authenticated else None
    try:
        signed_in = await services.sign_in.with_cookie(
            email, password, client=client, replaces=present
        )
    except SecurityError as error:
        return _sign_in_page(request, wanted=own_path(wanted), email=email, error=error)
    response = go_to(own_path(wanted))
    response.headers.append("set-cookie", session_header(exchange, signed_in.cookie))
    device = services.devices.issue(signed_in.account.email_key)
    response.headers.append("set-cookie", device_cookie(exchange, device))
    return response


@public
async def register_form(request: Request) -> Response:
    """Ask for an e-mail and a password."""
    return _register_page(request)


@public
async def register(
    request: Request,
    name: Annotated[str, Form(max_length=100)] = "",
    email: Email = "",
    password: Password = "",
) -> Response:
    """Make an account; the next page is the same whether or not the e-mail had one."""
    client = Client.of(exchange_of(request.scope))
    registration = account_services(request).registration
    try:
        await registration.register(email, password, client=client, name=name)
    except SecurityError as error:
        return _register_page(request, name=name, email=email, error=error)
    return go_to(SIGN_IN, notice="registered")


def _sign_in_page(
    request: Request, *, wanted: str, email: str = "", error: SecurityError | None = None
) -> Response:
    response = pages_of(request).render(
        request,
        "sign_in.html",
        status=error.status if error else 200,
        wanted=wanted,
        email=email,
        errors=sentences(error),
        open=_is_open(request),
    )
    return with_headers(response, error)


def _register_page(
    request: Request, *, name: str = "", email: str = "", error: SecurityError | None = None
) -> Response:
    response = pages_of(request).render(
        request,
        "register.html",
        status=error.status if error else 200,
        name=name,
        email=email,
        errors=sentences(error),
        open=_is_open(request),
    )
    return with_headers(response, error)


def _is_open(request: Request) -> bool:
    return account_services(request).settings.open_registration


def sentences(error: SecurityError | None) -> list[str]:
    """What a form says about a refusal."""
    if error is None:
        return []
    if isinstance(error, ValidationError):
        return [item["msg"] if isinstance(item, dict) else str(item) for item in error.errors]
    return [error.detail]


def with_headers(response: Response, error: SecurityError | None) -> Response:
    """Retry-After and the like belong on the page too."""
    response.headers.update(error.headers if error else {})
    return response
