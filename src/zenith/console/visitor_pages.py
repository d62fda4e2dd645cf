"""Pages for whoever comes: welcome, register, sign in."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.abuse import AbuseSettings
from zenith.abuse.challenges import shows_challenge
from zenith.accounts import Client, FactorsDue
from zenith.accounts.depends import account_services
from zenith.authorization import public
from zenith.console.challenge import REGISTER as REGISTER_FORM
from zenith.console.challenge import SIGN_IN as SIGN_IN_FORM
from zenith.console.challenge import caught, shown, token_for
from zenith.console.cookies import (
    device_cookie,
    device_cookie_name,
    factor_header,
    session_header,
)
from zenith.console.passkey_offer import passkey_offer
from zenith.console.rendering import HOME, MAX_PATH, go_to, own_path, page_route, pages_of
from zenith.kernel.errors import SecurityError
from zenith.pipeline import exchange_of
from zenith.sessions import SessionSettings
from zenith.sessions.settings import DAY

Email = Annotated[str, Form(max_length=254)]
Password = Annotated[str, Form(max_length=1024)]
SIGN_IN: Final = "/account/sign-in"
FACTOR: Final = "/sign-in/factor"
REGISTER: Final = "/account/register"


def visitor_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    page_route(router, "/", welcome)
    page_route(router, SIGN_IN, sign_in_form)
    router.add_api_route(SIGN_IN, sign_in, methods=["POST"])
    page_route(router, REGISTER, register_form)
    router.add_api_route(REGISTER, register, methods=["POST"])
    return router


@public
async def welcome(request: Request) -> Response:
    """What this is, and where to begin."""
    if exchange_of(request.scope).principal.is_authenticated:
        return go_to(HOME)
    return pages_of(request).render(request, "welcome.html", open=_is_open(request))


@public
@shows_challenge
async def sign_in_form(request: Request) -> Response:
    """Ask for e-mail and password."""
    return await _sign_in_page(request, wanted=own_path(request.query_params.get("next", HOME)))


@public
@shows_challenge
async def sign_in(
    request: Request,
    email: Email = "",
    password: Password = "",
    wanted: Annotated[str, Form(alias="next", max_length=MAX_PATH)] = HOME,
    remember: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Begin a session. It is always a new one, whatever cookie came along."""
    exchange = exchange_of(request.scope)
    services = account_services(request)
    client = Client.of(
        exchange,
        device_cookie=device_cookie_name(exchange),
        proof=await token_for(request),
        remember=bool(remember),
    )
    present = exchange.principal if exchange.principal.is_authenticated else None
    try:
        signed_in = await services.sign_in.with_cookie(
            email, password, client=client, replaces=present
        )
    except SecurityError as error:
        return await _sign_in_page(
            request, wanted=own_path(wanted), email=email, remember=bool(remember), error=error
        )
    if isinstance(signed_in, FactorsDue):
        response = go_to(FACTOR, next=own_path(wanted), remember=remember and "1")
        response.headers.append("set-cookie", factor_header(exchange, signed_in.challenge))
        return response
    response = go_to(own_path(wanted))
    remembered = signed_in.session.remembered
    cookie = session_header(exchange, signed_in.cookie, remembered=remembered)
    response.headers.append("set-cookie", cookie)
    device = services.devices.issue(signed_in.account)
    response.headers.append("set-cookie", device_cookie(exchange, device))
    return response


@public
@shows_challenge
async def register_form(request: Request) -> Response:
    """Ask for an e-mail and a password."""
    return await _register_page(request)


@public
@shows_challenge
async def register(
    request: Request,
    name: Annotated[str, Form(max_length=100)] = "",
    email: Email = "",
    password: Password = "",
) -> Response:
    """Make an account; the next page is the same whether or not the e-mail had one."""
    client = Client.of(exchange_of(request.scope), proof=await token_for(request))
    registration = account_services(request).registration
    seconds = exchange_of(request.scope).service(AbuseSettings).sign_up_seconds
    is_program = await caught(request, REGISTER_FORM, fastest=seconds)
    try:
        await registration.register(email, password, client=client, name=name, caught=is_program)
    except SecurityError as error:
        return await _register_page(request, name=name, email=email, error=error)
    mail = account_services(request).mail
    return go_to(SIGN_IN, notice="registered" if mail is None else "registered-mail")


async def _sign_in_page(
    request: Request,
    *,
    wanted: str,
    email: str = "",
    remember: bool = False,
    error: SecurityError | None = None,
) -> Response:
    options, cookie = passkey_offer(request)
    response = pages_of(request).render(
        request,
        "sign_in.html",
        error=error,
        wanted=wanted,
        email=email,
        remember=remember,
        days=_days(request),
        open=_is_open(request),
        passkey_options=options,
        **await shown(request, SIGN_IN_FORM, error),
    )
    if cookie:
        response.headers.append("set-cookie", cookie)
    return response


def _days(request: Request) -> int:
    """For how long a device can be remembered; 0 where that is no longer than any other."""
    settings = exchange_of(request.scope).service(SessionSettings)
    longer = settings.remembered_lifetime > settings.absolute_lifetime
    return round(settings.remembered_lifetime / DAY) if longer else 0


async def _register_page(
    request: Request, *, name: str = "", email: str = "", error: SecurityError | None = None
) -> Response:
    return pages_of(request).render(
        request,
        "register.html",
        error=error,
        name=name,
        email=email,
        open=_is_open(request),
        **await shown(request, REGISTER_FORM, error),
    )


def _is_open(request: Request) -> bool:
    return account_services(request).settings.open_registration
