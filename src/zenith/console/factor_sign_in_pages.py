"""Pages of the second step of a sign-in, and the sign-in with a passkey alone."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import (
    BrowserSignIn,
    Client,
    FactorChallengeError,
    FactorsDue,
    factor_cookie_name,
)
from zenith.accounts.depends import account_services
from zenith.authorization import public
from zenith.console.cookies import (
    device_cookie,
    device_cookie_name,
    factor_header,
    session_header,
)
from zenith.console.passkey_offer import handle_of
from zenith.console.rendering import HOME, MAX_PATH, go_to, own_path, page_route, pages_of
from zenith.console.visitor_pages import FACTOR, SIGN_IN
from zenith.kernel.errors import AuthenticationError, SecurityError, ValidationError
from zenith.mfa.depends import mfa_services
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings

PASSKEY: Final = f"{SIGN_IN}/passkey"
MAX_PROOF: Final = 16_384
Wanted = Annotated[str, Form(alias="next", max_length=MAX_PATH)]
Proof = Annotated[str, Form(max_length=MAX_PROOF)]


def factor_sign_in_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    page_route(router, FACTOR, factor_form)
    router.add_api_route(FACTOR, finish, methods=["POST"])
    router.add_api_route(PASSKEY, sign_in, methods=["POST"])
    return router


@public
async def factor_form(request: Request) -> Response:
    """Ask for the second factor of the sign-in that this browser began."""
    wanted = own_path(request.query_params.get("next", HOME))
    remember = request.query_params.get("remember", "")
    try:
        return await _page(request, wanted, remember=bool(remember))
    except FactorChallengeError:
        return _begin_again(request, wanted)


@public
async def finish(
    request: Request,
    factor: Annotated[str, Form(max_length=32)] = "",
    proof: Proof = "",
    trust: Annotated[str, Form(max_length=8)] = "",
    remember: Annotated[str, Form(max_length=8)] = "",
    wanted: Wanted = HOME,
) -> Response:
    """Begin the session, if the second factor is proven."""
    exchange = exchange_of(request.scope)
    wanted = own_path(wanted)
    present = exchange.principal if exchange.principal.is_authenticated else None
    client = Client.of(
        exchange, device_cookie=device_cookie_name(exchange), remember=bool(remember)
    )
    try:
        entered = await account_services(request).sign_in.finish_browser(
            _challenge(exchange), factor, proof, client=client, replaces=present
        )
    except FactorChallengeError:
        return _begin_again(request, wanted)
    except SecurityError as error:
        return await _again(request, wanted, error, remember=bool(remember))
    response = _entered(request, entered, wanted)
    response.headers.append("set-cookie", factor_header(exchange, ""))
    trusted = mfa_services(request).trusted
    if trust and factor != "recovery_code" and trusted.is_offered:
        value = await trusted.trust(entered.account, client)
        secure = exchange.service(SessionSettings).secure_cookies
        response.headers.append("set-cookie", trusted.cookie(value, secure=secure))
    return response


@public
async def sign_in(request: Request, credential: Proof = "", wanted: Wanted = HOME) -> Response:
    """Begin a session with a passkey alone."""
    exchange = exchange_of(request.scope)
    wanted = own_path(wanted)
    present = exchange.principal if exchange.principal.is_authenticated else None
    client = Client.of(exchange, device_cookie=device_cookie_name(exchange))
    try:
        entered = await mfa_services(request).passkey_sign_in.browser(
            credential, handle=handle_of(exchange), client=client, replaces=present
        )
    except AuthenticationError:
        return go_to(SIGN_IN, next=wanted, notice="passkey-refused")
    if isinstance(entered, FactorsDue):
        response = go_to(FACTOR, next=wanted)
        response.headers.append("set-cookie", factor_header(exchange, entered.challenge))
        return response
    return _entered(request, entered, wanted)


async def _page(
    request: Request, wanted: str, *, remember: bool, error: SecurityError | None = None
) -> Response:
    exchange = exchange_of(request.scope)
    sign_in = account_services(request).sign_in
    services = mfa_services(request)
    challenge = _challenge(exchange)
    due = await sign_in.due_kinds(challenge, "browser", client=Client.of(exchange))
    options: dict[str, Any] = {}
    if services.passkeys is not None and "passkey" in due.kinds:
        pending, account = await sign_in.waiting(challenge, "browser")
        options = await services.passkeys.factor_options(account.id, pending.digest)
    return pages_of(request).render(
        request,
        "factor.html",
        error=error,
        kinds=due.kinds,
        options=json.dumps(options) if options else "",
        wanted=wanted,
        remember=remember,
        trust_days=services.trusted.days if services.trusted.is_offered else 0,
    )


async def _again(
    request: Request, wanted: str, error: SecurityError, *, remember: bool
) -> Response:
    # A wrong code is a mistake in a form here, not a missing credential.
    shown = ValidationError(error.detail) if isinstance(error, AuthenticationError) else error
    try:
        return await _page(request, wanted, remember=remember, error=shown)
    except FactorChallengeError:
        return _begin_again(request, wanted)


def _begin_again(request: Request, wanted: str) -> Response:
    response = go_to(SIGN_IN, next=wanted, notice="sign-in-again")
    response.headers.append("set-cookie", factor_header(exchange_of(request.scope), ""))
    return response


def _entered(request: Request, entered: BrowserSignIn, wanted: str) -> Response:
    exchange = exchange_of(request.scope)
    response = go_to(wanted)
    cookie = session_header(exchange, entered.cookie, remembered=entered.session.remembered)
    response.headers.append("set-cookie", cookie)
    device = account_services(request).devices.issue(entered.account)
    response.headers.append("set-cookie", device_cookie(exchange, device))
    return response


def _challenge(exchange: Exchange) -> str:
    secure = exchange.service(SessionSettings).secure_cookies
    return exchange.cookies.get(factor_cookie_name(secure=secure), "")
