"""Pages about one's own account by mail: a forgotten password, another address, the end."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.abuse.challenges import shows_challenge
from zenith.accounts import Client, CurrentUser, User
from zenith.accounts.depends import account_services, mail_flows
from zenith.accounts.factors import in_person
from zenith.authorization import public
from zenith.console.challenge import RESET, shown, token_for
from zenith.console.cookies import cleared_session
from zenith.console.rendering import HOME, go_to, page_route, pages_of
from zenith.console.visitor_pages import SIGN_IN
from zenith.headers import clear_site_data
from zenith.kernel.errors import AuthenticationError, SecurityError, ValidationError
from zenith.pipeline import exchange_of

FORGOT: Final = "/account/forgot"
EMAIL: Final = "/account/email"
DELETE: Final = "/account/delete"
EXPORT: Final = "/account/export"
Email = Annotated[str, Form(max_length=254)]
Password = Annotated[str, Form(max_length=1024)]


def own_pages(*, mail: bool = True) -> APIRouter:
    """The routes of this module; with `mail` also those that send some."""
    router = APIRouter(include_in_schema=False)
    page_route(router, DELETE, delete_form)
    router.add_api_route(DELETE, delete, methods=["POST"])
    router.add_api_route(EXPORT, export, methods=["POST"])
    if mail:
        page_route(router, FORGOT, forgot_form)
        router.add_api_route(FORGOT, forgot, methods=["POST"])
        page_route(router, EMAIL, email_form)
        router.add_api_route(EMAIL, change_email, methods=["POST"])
    return router


@public
@shows_challenge
async def forgot_form(request: Request) -> Response:
    """Ask for the address."""
    asked = await shown(request, RESET, None)
    return pages_of(request).render(request, "forgot.html", email="", **asked)


@public
@shows_challenge
async def forgot(request: Request, email: Email = "") -> Response:
    """Mail a link, if the address has an account; the next page is the same if not."""
    client = Client.of(exchange_of(request.scope), proof=await token_for(request))
    try:
        await mail_flows(request).password_reset.ask(email, client=client)
    except SecurityError as error:
        asked = await shown(request, RESET, error)
        return pages_of(request).render(request, "forgot.html", error=error, email=email, **asked)
    return go_to(SIGN_IN, notice="reset-mailed")


@in_person
async def email_form(request: Request, user: CurrentUser) -> Response:
    """Ask for the new address and the password."""
    return _email_page(request, user)


@in_person
async def change_email(
    request: Request, user: CurrentUser, email: Email = "", password: Password = ""
) -> Response:
    """Mail a link to the new address."""
    exchange = exchange_of(request.scope)
    try:
        await mail_flows(request).email_changes.ask(
            exchange.principal, email, password, client=Client.of(exchange)
        )
    except SecurityError as error:
        return _email_page(request, user, email=email, error=error)
    return go_to(HOME, notice="email-asked")


@in_person
async def delete_form(request: Request, user: CurrentUser) -> Response:
    """Say what goes, and ask for the password."""
    return _delete_page(request, user)


@in_person
async def delete(request: Request, user: CurrentUser, password: Password = "") -> Response:
    """Delete the account."""
    exchange = exchange_of(request.scope)
    try:
        await account_services(request).deletion.delete(
            exchange.principal, password, client=Client.of(exchange)
        )
    except SecurityError as error:
        return _delete_page(request, user, error=error)
    response = go_to(SIGN_IN, notice="deleted")
    response.headers.append("set-cookie", cleared_session(exchange))
    clear_site_data(exchange, response)
    return response


@in_person
async def export(request: Request, user: CurrentUser) -> Response:
    """Hand out what is kept. A POST: another site's link must not leave records of exports."""
    client = Client.of(exchange_of(request.scope))
    found = await account_services(request).export.of(user.account, user.principal, client=client)
    return Response(
        json.dumps(found, indent=2, ensure_ascii=False),
        media_type="application/json",
        headers={
            "Content-Disposition": 'attachment; filename="account.json"',
            "Cache-Control": "no-store",
        },
    )


def _email_page(
    request: Request, user: User, *, email: str = "", error: SecurityError | None = None
) -> Response:
    return pages_of(request).render(
        request, "email.html", error=_in_form(error), user=user, email=email
    )


def _delete_page(request: Request, user: User, *, error: SecurityError | None = None) -> Response:
    return pages_of(request).render(request, "delete.html", error=_in_form(error), user=user)


def _in_form(error: SecurityError | None) -> SecurityError | None:
    """A wrong password is a mistake in a form here, not a missing credential."""
    return ValidationError(error.detail) if isinstance(error, AuthenticationError) else error
