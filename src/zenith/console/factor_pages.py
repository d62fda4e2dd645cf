"""Pages of one's own second factors, and the administrator's reset of a member's."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client, CurrentUser, authenticated_to_enrol
from zenith.accounts.depends import account_services
from zenith.authorization import FactorRequiredError, require_everywhere, require_factor
from zenith.authorization.confirmation import factor_refusal
from zenith.console.admin_pages import ACCOUNTS
from zenith.console.confirm_pages import CONFIRM
from zenith.console.cookies import device_cookie, session_header
from zenith.console.rendering import HOME, MANAGE_ACCOUNTS, go_to, page_route, pages_of
from zenith.kernel.errors import ConflictError, SecurityError, ValidationError
from zenith.mfa import SECOND_FACTORS, Added, EnrolmentFailedError, TotpEnrolment
from zenith.mfa.depends import mfa_services
from zenith.mfa.guard import SUFFICIENT
from zenith.pipeline import exchange_of
from zenith.sessions import describe_device, session_of

FACTORS: Final = "/account/factors"
APP: Final = f"{FACTORS}/app"
NEW_PASSKEY: Final = f"{FACTORS}/passkeys/new"
MAX_CREDENTIAL: Final = 16_384
Code = Annotated[str, Form(max_length=16)]
Ticket = Annotated[str, Form(max_length=1024)]
Name = Annotated[str, Form(max_length=60)]
Credential = Annotated[str, Form(max_length=MAX_CREDENTIAL)]
Text = Annotated[str, Form(max_length=254)]


def factor_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    post = ["POST"]
    page_route(router, FACTORS, factors)
    page_route(router, APP, app_form)
    router.add_api_route(APP, add_app, methods=post)
    router.add_api_route(f"{APP}/remove", remove_app, methods=post)
    page_route(router, NEW_PASSKEY, passkey_form)
    router.add_api_route(NEW_PASSKEY, add_passkey, methods=post)
    router.add_api_route(f"{FACTORS}/passkeys/{{passkey_id}}/rename", rename_passkey, methods=post)
    router.add_api_route(f"{FACTORS}/passkeys/{{passkey_id}}/remove", remove_passkey, methods=post)
    router.add_api_route(f"{FACTORS}/recovery-codes", renew_codes, methods=post)
    router.add_api_route(f"{FACTORS}/devices/end-all", end_devices, methods=post)
    router.add_api_route(f"{FACTORS}/devices/{{device_id}}/end", end_device, methods=post)
    router.add_api_route(f"{ACCOUNTS}/{{account_id}}/reset-factors", reset, methods=post)
    return router


@authenticated_to_enrol
async def factors(request: Request, user: CurrentUser) -> Response:
    """What the account has; who must have more is told so, or led to prove what there is."""
    services = mfa_services(request)
    held = await services.enrolment.overview(user.id)
    is_due = not SUFFICIENT.isdisjoint(user.principal.factors)
    required = not user.principal.roles.isdisjoint(services.settings.required_roles)
    if required and not is_due and held.counts.kinds:
        return go_to(CONFIRM, factor=" ".join(SECOND_FACTORS), next=HOME)
    devices = await services.trusted.list(user.account)
    return pages_of(request).render(
        request,
        "factors.html",
        held=held,
        passkeys_on=services.passkeys is not None,
        must=required and not held.counts.kinds,
        devices=[(each, describe_device(each.user_agent)) for each in devices],
        trust_on=services.trusted.is_offered,
    )


@authenticated_to_enrol
async def app_form(request: Request) -> Response:
    """Show the secret of a new authenticator app."""
    with _led(request):
        begun = await mfa_services(request).enrolment.begin_totp(_principal(request))
    return _app_page(request, begun)


@authenticated_to_enrol
async def add_app(
    request: Request, user: CurrentUser, ticket: Ticket = "", code: Code = ""
) -> Response:
    """Store the app that made this code."""
    exchange = exchange_of(request.scope)
    enrolment = mfa_services(request).enrolment
    try:
        with _led(request):
            added = await enrolment.confirm_totp(
                exchange.principal,
                ticket,
                code,
                client=Client.of(exchange),
                presented=_presented(request),
            )
    except EnrolmentFailedError as error:
        wrong = ValidationError("That code is wrong. Wait for the next one, and check the clock")
        again = _reopened(request, user, ticket)
        if again is None:
            return go_to(APP)
        return _app_page(request, again, error=wrong if error.errors else error)
    return await _added(request, added, "The authenticator app is added")


@authenticated_to_enrol
async def remove_app(request: Request) -> Response:
    """Remove the authenticator app."""
    client = Client.of(exchange_of(request.scope))
    with _led(request):
        await mfa_services(request).enrolment.remove_totp(_principal(request), client=client)
    return go_to(FACTORS, notice="factor-removed")


@authenticated_to_enrol
async def passkey_form(request: Request) -> Response:
    """Let the browser make a passkey."""
    return await _passkey_page(request)


@authenticated_to_enrol
async def add_passkey(request: Request, credential: Credential = "", name: Name = "") -> Response:
    """Store the passkey that the authenticator made."""
    exchange = exchange_of(request.scope)
    try:
        with _led(request):
            added = await mfa_services(request).enrolment.add_passkey(
                exchange.principal,
                credential,
                name=name,
                client=Client.of(exchange),
                presented=_presented(request),
            )
    except (ConflictError, ValidationError) as error:
        return await _passkey_page(request, name=name, error=error)
    return await _added(request, added, "The passkey is added")


@authenticated_to_enrol
async def rename_passkey(request: Request, passkey_id: str, name: Name = "") -> Response:
    """Name a passkey."""
    enrolment = mfa_services(request).enrolment
    await enrolment.rename_passkey(_principal(request), passkey_id, name)
    return go_to(FACTORS, notice="passkey-renamed")


@authenticated_to_enrol
async def remove_passkey(request: Request, passkey_id: str) -> Response:
    """Remove a passkey."""
    client = Client.of(exchange_of(request.scope))
    with _led(request):
        await mfa_services(request).enrolment.remove_passkey(
            _principal(request), passkey_id, client=client
        )
    return go_to(FACTORS, notice="factor-removed")


@authenticated_to_enrol
async def renew_codes(request: Request) -> Response:
    """Show fresh recovery codes, once."""
    client = Client.of(exchange_of(request.scope))
    with _led(request):
        codes = await mfa_services(request).enrolment.renew_recovery_codes(
            _principal(request), client=client
        )
    return _codes_page(request, codes, "Your recovery codes are new")


@authenticated_to_enrol
async def end_devices(request: Request) -> Response:
    """Trust no device any more."""
    client = Client.of(exchange_of(request.scope))
    await mfa_services(request).trusted.end(_principal(request).subject, None, client=client)
    return go_to(FACTORS, notice="device-ended")


@authenticated_to_enrol
async def end_device(request: Request, device_id: str) -> Response:
    """Trust one device no more; one that is not found is as it was asked for."""
    client = Client.of(exchange_of(request.scope))
    await mfa_services(request).trusted.end(_principal(request).subject, device_id, client=client)
    return go_to(FACTORS, notice="device-ended")


@require_everywhere(MANAGE_ACCOUNTS)
@require_factor("password", *SECOND_FACTORS)
async def reset(request: Request, account_id: str, search: Text = "", after: Text = "") -> Response:
    """Remove every second factor of an account."""
    exchange = exchange_of(request.scope)
    services = mfa_services(request)
    removed = await services.reset.reset(exchange.principal, account_id, client=Client.of(exchange))
    notice = "factors-reset" if removed else "no-factors"
    return go_to(ACCOUNTS, search=search, after=after, notice=notice)


@contextmanager
def _led(request: Request) -> Generator[None]:
    """Lead the browser through the proof that is missing."""
    try:
        yield
    except FactorRequiredError as error:
        raise factor_refusal(
            exchange_of(request.scope), error.factors, max_age=error.max_age, reason=error.reason
        ) from None


def _principal(request: Request) -> Any:
    return exchange_of(request.scope).principal


def _presented(request: Request) -> str | None:
    session = session_of(exchange_of(request.scope))
    return None if session is None else session.digest


def _reopened(request: Request, user: CurrentUser, ticket: str) -> TotpEnrolment | None:
    try:
        return mfa_services(request).enrolment.reopen_totp(user.account, user.principal, ticket)
    except EnrolmentFailedError:
        return None


def _app_page(
    request: Request, begun: TotpEnrolment, *, error: SecurityError | None = None
) -> Response:
    return pages_of(request).render(request, "factor_app.html", begun=begun, error=error)


async def _passkey_page(
    request: Request, *, name: str = "", error: SecurityError | None = None
) -> Response:
    with _led(request):
        options = await mfa_services(request).enrolment.passkey_options(_principal(request))
    return pages_of(request).render(
        request, "factor_passkey.html", options=json.dumps(options), name=name, error=error
    )


async def _added(request: Request, added: Added, what: str) -> Response:
    if added.recovery_codes:
        response = _codes_page(request, added.recovery_codes, what)
    else:
        response = go_to(FACTORS, notice="factor-added")
    exchange = exchange_of(request.scope)
    if added.session is not None and added.cookie is not None:
        remembered = added.session.remembered
        cookie = session_header(exchange, added.cookie, remembered=remembered)
        response.headers.append("set-cookie", cookie)
    # What this browser was known by dates from before the factor.
    services = account_services(request)
    account = await services.store.by_id(exchange.principal.subject)
    if account is not None:
        known = device_cookie(exchange, services.devices.issue(account))
        response.headers.append("set-cookie", known)
    return response


def _codes_page(request: Request, codes: tuple[str, ...], what: str) -> Response:
    return pages_of(request).render(request, "recovery_codes.html", codes=codes, what=what)
