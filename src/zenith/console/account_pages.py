"""Pages for the signed-in: one's sessions and one's password."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client, CurrentUser, User, authenticated_to_enrol, in_person
from zenith.accounts.depends import account_services
from zenith.console.cookies import cleared_session, device_cookie
from zenith.console.rendering import HOME, go_to, page_route, pages_of
from zenith.console.visitor_pages import SIGN_IN
from zenith.headers import clear_site_data
from zenith.kernel.errors import AuthenticationError, SecurityError, ValidationError
from zenith.oauth import leading_on
from zenith.pipeline import exchange_of
from zenith.sessions import (
    MAX_NAME,
    SessionRecord,
    SessionSettings,
    describe_device,
    renewed_cookie,
)

PHONES: Final = ("iPhone", "Android")
MAX_FIELD: Final = 200
"""Characters that a form may send for a short text; how many count is the engine's to say."""
Password = Annotated[str, Form(max_length=1024)]


def account_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix="/account", include_in_schema=False)
    page_route(router, "/", overview)
    page_route(router, "/password", password_form)
    router.add_api_route("/password", change_password, methods=["POST"])
    router.add_api_route("/sign-out", sign_out, methods=["POST"])
    router.add_api_route("/sign-out-everywhere", sign_out_everywhere, methods=["POST"])
    router.add_api_route("/sessions/end-others", end_others, methods=["POST"])
    router.add_api_route("/sessions/{session_id}/name", name_session, methods=["POST"])
    router.add_api_route("/sessions/{session_id}/end", end_session, methods=["POST"])
    return router


@in_person
async def overview(request: Request, user: CurrentUser) -> Response:
    """Who is signed in, and where."""
    return await _account_page(request, user)


async def _account_page(
    request: Request, user: User, *, renaming: str = "", error: SecurityError | None = None
) -> Response:
    services = account_services(request)
    records, places = await services.sessions.list(user.id), services.places
    current = user.principal.session_id
    sessions = [
        _shown(record, places.describe(record.address), current=record.id == current)
        for record in records
    ]
    sessions.sort(key=lambda item: (not item["current"], -item["last_seen_at"]))
    return pages_of(request).render(
        request,
        "account.html",
        error=error,
        renaming=renaming,
        max_name=MAX_NAME,
        user=user,
        sessions=sessions,
        changed_at=user.account.password_changed_at,
    )


@in_person
async def password_form(request: Request, user: CurrentUser) -> Response:
    """Ask for the present and the next password."""
    return _password_page(request, user)


@in_person
async def change_password(
    request: Request,
    user: CurrentUser,
    current: Password = "",
    new: Password = "",
    repeated: Password = "",
) -> Response:
    """Change the password."""
    exchange = exchange_of(request.scope)
    try:
        if new != repeated:
            raise ValidationError("The new passwords differ")
        renewed = await account_services(request).password_change.change(
            exchange.principal, current, new, client=Client.of(exchange)
        )
    except AuthenticationError as error:
        # A wrong present password is a mistake in a form here, not a missing credential.
        return _password_page(request, user, error=ValidationError(error.detail))
    except SecurityError as error:
        return _password_page(request, user, error=error)
    response = go_to(HOME, notice="password-changed")
    cookie = renewed_cookie(renewed, exchange.service(SessionSettings))
    if cookie is not None:
        response.headers.append("set-cookie", cookie)
    # What this browser was known by went with the old password.
    services = account_services(request)
    account = await services.store.by_id(user.id)
    if account is not None:
        known = device_cookie(exchange, services.devices.issue(account))
        response.headers.append("set-cookie", known)
    return response


@authenticated_to_enrol
async def sign_out(request: Request) -> Response:
    """End this session, and lead on to the provider that it came from, if the settings say so."""
    exchange = exchange_of(request.scope)
    services, provider = account_services(request), await leading_on(exchange)
    await services.sign_in.sign_out(exchange.principal, client=Client.of(exchange))
    if provider is None:
        return _signed_out(request, go_to(SIGN_IN, notice="signed-out"))
    label, url = provider[0].label, provider[1]
    # A page, for browsers stop a form whose answer leads to another site (CSP form-action).
    page = pages_of(request).render(request, "signed_out.html", url=url, label=label)
    page.headers["Refresh"] = f"0; url={url}"
    return _signed_out(request, page)


@authenticated_to_enrol
async def sign_out_everywhere(request: Request) -> Response:
    """End every session of the account."""
    exchange = exchange_of(request.scope)
    services = account_services(request)
    await services.sign_in.sign_out_everywhere(exchange.principal, client=Client.of(exchange))
    return _signed_out(request, go_to(SIGN_IN, notice="signed-out-everywhere"))


@in_person
async def end_others(request: Request) -> Response:
    """End every session but this one."""
    exchange = exchange_of(request.scope)
    await account_services(request).sign_in.sign_out_everywhere(
        exchange.principal, client=Client.of(exchange), keep_current=True
    )
    return go_to(HOME, notice="others-ended")


@in_person
async def name_session(
    request: Request,
    user: CurrentUser,
    session_id: str,
    name: Annotated[str, Form(max_length=MAX_FIELD)] = "",
) -> Response:
    """Name one of one's own sessions; one that is not found has ended, and needs no name."""
    try:
        await account_services(request).sessions.rename(session_id, name, account_id=user.id)
    except ValidationError as error:
        return await _account_page(request, user, renaming=session_id, error=error)
    return go_to(HOME, notice="session-named")


@in_person
async def end_session(request: Request, session_id: str) -> Response:
    """End one of one's own sessions."""
    exchange = exchange_of(request.scope)
    if session_id == exchange.principal.session_id:
        return await sign_out(request)
    # One that is not found has ended already, which is what was asked for.
    await account_services(request).sign_in.end_session(
        exchange.principal, session_id, client=Client.of(exchange)
    )
    return go_to(HOME, notice="session-ended")


def _shown(record: SessionRecord, place: str, *, current: bool) -> dict[str, Any]:
    device, program = describe_device(record.user_agent), record.kind == "tokens"
    icon = "phone" if device.endswith(PHONES) else "screen"
    return {
        "id": record.id,
        "name": record.name,
        "device": device,
        "place": place,
        "remembered": record.remembered,
        "icon": "program" if program else icon,
        "address": record.address,
        "program": program,
        "last_seen_at": record.last_seen_at,
        "created_at": record.created_at,
        "current": current,
    }


def _password_page(request: Request, user: User, *, error: SecurityError | None = None) -> Response:
    # Password managers want to know whose password it is.
    return pages_of(request).render(request, "password.html", error=error, username=user.email)


def _signed_out(request: Request, response: Response) -> Response:
    exchange = exchange_of(request.scope)
    response.headers.append("set-cookie", cleared_session(exchange))
    clear_site_data(exchange, response)
    return response
