"""The page where a person proves again that it is they, and goes on with what they began."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client, CurrentUser, User
from zenith.accounts.depends import account_services
from zenith.accounts.factors import authenticated_to_enrol
from zenith.accounts.step_up import MAX_PROOF
from zenith.authorization import STEP_UP, HasFactor
from zenith.console.cookies import device_cookie_name
from zenith.console.identity_pages import confirming_providers
from zenith.console.rendering import HOME, MAX_PATH, go_to, own_path, page_route, pages_of
from zenith.kernel.errors import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    SecurityError,
    ValidationError,
)
from zenith.pipeline import exchange_of
from zenith.sessions import SessionSettings, renewed_cookie, session_of

CONFIRM: Final = "/account/confirm"
MAX_FACTORS: Final = 200
NAMES: Final = {
    "oauth": "linked identity",
    "password": "password",
    "passkey": "passkey",
    "recovery_code": "recovery code",
    "totp": "authenticator app",
}
"""What people call the factors."""
Text = Annotated[str, Form(max_length=MAX_FACTORS)]


def confirm_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    page_route(router, CONFIRM, confirm_form)
    router.add_api_route(CONFIRM, confirm, methods=["POST"])
    return router


@authenticated_to_enrol
async def confirm_form(request: Request, user: CurrentUser) -> Response:
    """Ask for one of the factors that the page before demands."""
    query = request.query_params
    wanted = own_path(query.get("next", HOME))
    factors = query.get("factor", "")[:MAX_FACTORS]
    if _is_recent(user, factors, query.get("within", "")):
        # Confirmed in another tab meanwhile.
        return go_to(wanted)
    return await _page(request, user, factors=factors, wanted=wanted, sent=query.get("sent", ""))


@authenticated_to_enrol
async def confirm(
    request: Request,
    user: CurrentUser,
    factor: Text = "",
    proof: Annotated[str, Form(max_length=MAX_PROOF)] = "",
    factors: Text = "",
    wanted: Annotated[str, Form(alias="next", max_length=MAX_PATH)] = HOME,
    sent: Text = "",
) -> Response:
    """Verify the factor; the session goes on under a new cookie."""
    exchange = exchange_of(request.scope)
    wanted = own_path(wanted)
    try:
        confirmed = await account_services(request).step_up.confirm(
            exchange.principal,
            factor,
            proof,
            client=Client.of(exchange, device_cookie=device_cookie_name(exchange)),
            session=session_of(exchange),
        )
    except ConflictError:
        # The other tab's proof counts for this one too.
        return go_to(wanted)
    except AuthenticationError as error:
        # A wrong password is a mistake in a form here, not a missing credential.
        return await _page(
            request, user, factors, wanted, sent, tried=factor, error=ValidationError(error.detail)
        )
    except SecurityError as error:
        return await _page(request, user, factors, wanted, sent, tried=factor, error=error)
    response = go_to(wanted)
    renewed = (confirmed.session, confirmed.cookie)
    cookie = renewed_cookie(renewed, exchange.service(SessionSettings))
    if cookie is not None:
        response.headers.append("set-cookie", cookie)
    return response


async def _page(
    request: Request,
    user: User,
    factors: str,
    wanted: str,
    sent: str,
    *,
    tried: str = "",
    error: SecurityError | None = None,
) -> Response:
    step_up = account_services(request).step_up
    asked = tuple(name for name in factors.split() if name in step_up.kinds)
    held = await step_up.held(user.account, asked)
    return pages_of(request).render(
        request,
        "confirm.html",
        error=error,
        username=user.email,
        names=NAMES,
        asked=asked or step_up.kinds,
        held=held,
        factors=" ".join(asked),
        confirm_with=await confirming_providers(exchange_of(request.scope), user),
        wanted=wanted,
        sent=bool(sent),
        tried=tried,
    )


def _is_recent(user: User, factors: str, within: str) -> bool:
    try:
        required = HasFactor(tuple(factors.split()), float(within or STEP_UP))
    except (ConfigurationError, ValueError):
        # Nobody who follows our own links asks for this; then the page asks for any factor.
        return False
    return required.decide(user.principal).allowed
