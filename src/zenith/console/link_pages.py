"""Pages that mailed links lead to. Opening one spends nothing; pressing its button does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client, MailLinkError
from zenith.accounts.depends import mail_flows
from zenith.accounts.mail_flows import MailFlows
from zenith.authorization import public
from zenith.console.rendering import go_to, page_route, pages_of
from zenith.console.visitor_pages import SIGN_IN
from zenith.headers import response_headers
from zenith.kernel.errors import SecurityError, ValidationError
from zenith.kernel.records import dataclass
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings

COOKIE: Final = "zenith-link-"
SPENT: Final = "Links work once, and only for a while. Sign in, or ask for another."
LIFETIME: Final = 1800
"""Seconds for which a browser keeps what a link said; the link itself may work for longer."""
Password = Annotated[str, Form(max_length=1024)]
Marked = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkPage:
    """A page with one button."""

    name: str
    title: str
    text: str
    button: str
    notice: str
    """What the next page says."""

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/account/{self.name}"


VERIFY: Final = LinkPage(
    name="verify-email",
    title="Confirm your e-mail address",
    text="Confirm that this address is yours. If you did not register here, close this page.",
    button="Confirm the address",
    notice="email-verified",
)
CONFIRM: Final = LinkPage(
    name="confirm-email",
    title="Use the new e-mail address",
    text="From now on you sign in with the address that this link was mailed to.",
    button="Use this address",
    notice="email-changed",
)
REVERT: Final = LinkPage(
    name="revert-email",
    title="Take your account back",
    text=(
        "The address that this link was mailed to becomes that of the account again. Every session"
        " ends, the present password is removed, and you are mailed a link to set a new one."
    ),
    button="Take the account back",
    notice="email-reverted",
)
BUTTONS: Final = (VERIFY, CONFIRM, REVERT)
RESET: Final = "/account/reset"


def link_pages(*, headers: bool = True) -> APIRouter:
    """The routes of this module. `headers` says whether the application sets security headers."""
    router = APIRouter(include_in_schema=False)
    # The one page whose address holds a secret: no other site, and no next page, is told of it.
    quiet: Marked = response_headers(referrer_policy="no-referrer") if headers else _as_it_is
    for page in BUTTONS:
        page_route(router, page.path + "/{token}", quiet(public(_arrival(page.path, page.name))))
        page_route(router, page.path, public(_button(page)))
        router.add_api_route(page.path, public(_press(page)), methods=["POST"])
    page_route(router, RESET + "/{token}", quiet(public(_arrival(RESET, "reset"))))
    page_route(router, RESET, reset_form)
    router.add_api_route(RESET, reset, methods=["POST"])
    return router


def _as_it_is(target: Any) -> Any:
    return target


def _arrival(path: str, name: str) -> Callable[..., Any]:
    async def arrive(request: Request, token: str) -> Response:
        """Take the secret out of the address, so that no history or referrer keeps it (ASVS
        14.2.1).
        """
        await _check(mail_flows(request), name, token)
        response = go_to(path)
        response.headers.append("set-cookie", _cookie(request, name, token, LIFETIME))
        return response

    return arrive


def _button(page: LinkPage) -> Callable[..., Any]:
    async def ask(request: Request) -> Response:
        """Say what the link does."""
        about = await _check(mail_flows(request), page.name, _token(request, page.name))
        return _button_page(request, page, about)

    return ask


def _press(page: LinkPage) -> Callable[..., Any]:
    async def use(request: Request) -> Response:
        """Do it."""
        flows, token = mail_flows(request), _token(request, page.name)
        about = await _check(flows, page.name, token)
        actions = {
            VERIFY.name: flows.verification.verify,
            CONFIRM.name: flows.email_changes.confirm,
            REVERT.name: flows.email_changes.revert,
        }
        try:
            await actions[page.name](token, client=Client.of(exchange_of(request.scope)))
        except SecurityError as error:
            return _button_page(request, page, about, error=error)
        return _done(request, page.name, page.notice)

    return use


@public
async def reset_form(request: Request) -> Response:
    """Ask for the new password."""
    await _check(mail_flows(request), "reset", _token(request, "reset"))
    return pages_of(request).render(request, "reset.html")


@public
async def reset(request: Request, new: Password = "", repeated: Password = "") -> Response:
    """Set the new password."""
    try:
        if new != repeated:
            raise ValidationError("The new passwords differ")
        await mail_flows(request).password_reset.reset(
            _token(request, "reset"), new, client=Client.of(exchange_of(request.scope))
        )
    except SecurityError as error:
        return pages_of(request).render(request, "reset.html", error=error)
    return _done(request, "reset", "password-reset")


def _button_page(
    request: Request, page: LinkPage, about: str, *, error: SecurityError | None = None
) -> Response:
    return pages_of(request).render(request, "link.html", error=error, page=page, about=about)


def _done(request: Request, name: str, notice: str) -> Response:
    response = go_to(SIGN_IN, notice=notice)
    response.headers.append("set-cookie", _cookie(request, name, "", 0))
    return response


async def _check(flows: MailFlows, name: str, token: str) -> str:
    """The address that the link is about, for those that change one. Raises MailLinkError."""
    checks: dict[str, Callable[[str], Awaitable[str]]] = {
        "reset": flows.password_reset.check,
        VERIFY.name: flows.verification.check,
        CONFIRM.name: flows.email_changes.check,
        REVERT.name: partial(flows.email_changes.check, revert=True),
    }
    try:
        return await checks[name](token)
    except MailLinkError as error:
        raise MailLinkError(SPENT, reason=error.reason) from None


def _token(request: Request, name: str) -> str:
    exchange = exchange_of(request.scope)
    return exchange.cookies.get(_cookie_name(exchange, name), "")


def _cookie_name(exchange: Exchange, name: str) -> str:
    secure = exchange.service(SessionSettings).secure_cookies
    return f"__Host-{COOKIE}{name}" if secure else COOKIE + name


def _cookie(request: Request, name: str, value: str, lifetime: int) -> str:
    exchange = exchange_of(request.scope)
    secure = "; Secure" if exchange.service(SessionSettings).secure_cookies else ""
    whole = _cookie_name(exchange, name)
    return f"{whole}={value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax{secure}"
