"""Pages from templates: escaped by default, with a CSRF token in every form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from zenith.abuse import ProofRequiredError, honeypot_field
from zenith.api_keys import MANAGE_ALL
from zenith.console.moments import ago, moment
from zenith.console.static import asset
from zenith.csrf import CsrfGuard, csrf_token
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import (
    RateLimitError,
    SecurityError,
    ServiceUnavailableError,
    ValidationError,
)
from zenith.kernel.network import parse_address
from zenith.kernel.principal import Principal
from zenith.pipeline import Exchange, exchange_of
from zenith.tenants import outside

STRENGTH: Final = "/account/password-strength"
MANAGE_ACCOUNTS: Final = "users:write"
READ_ROLES: Final = "roles:read"
WRITE_ROLES: Final = "roles:write"
ASSIGN_ROLES: Final = "users:roles"
READ_BANS: Final = "bans:read"
WRITE_BANS: Final = "bans:write"
READ_REPORTS: Final = "reports:read"
WRITE_REPORTS: Final = "reports:write"
READ_AUDIT: Final = "audit:read"
VERIFY_AUDIT: Final = "audit:verify"
SEE_OTHER: Final = 303
UNPROCESSABLE: Final = 422
HOME: Final = "/account/"
MAX_PATH: Final = 2048
LONG_WAIT: Final = 90

NOTICES: Final[Mapping[str, str]] = {
    "registered": "If this e-mail address was free, your account is ready. Sign in to begin.",
    "registered-mail": "Look into your mailbox: what is to be done next was mailed there.",
    "email-verified": "Your address is confirmed. Sign in.",
    "email-asked": "If the new address can be used, a link is on its way to it.",
    "email-changed": "The address has changed. Sign in with it from now on.",
    "email-reverted": "The address is back. You are mailed a link to set a new password.",
    "reset-mailed": "If this address has an account, a link is on its way to it.",
    "password-reset": "Your new password is set. Sign in with it.",
    "deleted": "Your account is deleted.",
    "signed-out": "You are signed out.",
    "signed-out-everywhere": "You are signed out on every device.",
    "session-ended": "That session has ended.",
    "session-named": "The name is kept.",
    "others-ended": "All your other sessions have ended.",
    "password-changed": "Your password is changed. All your other sessions have ended.",
    "identity-linked": "It is linked. From now on it signs you in.",
    "identity-unlinked": "It is unlinked. Your other sessions have ended.",
    "factor-added": "The second factor is added.",
    "factor-removed": "The second factor is removed. All your other sessions have ended.",
    "passkey-renamed": "The passkey has its new name.",
    "passkey-refused": "That passkey was not accepted here. Try again, or use your password.",
    "sign-in-again": "That took too long or failed too often. Sign in again.",
    "device-ended": "That device is asked for a second factor again.",
    "factors-reset": "The second factors are removed, the sessions ended, and the owner told.",
    "no-factors": "That account has no second factor.",
    "key-revoked": "The key is revoked. It is refused from now on.",
    "locked": "The account is locked. Its sessions have ended.",
    "unlocked": "The account can sign in again.",
    "role-made": "The role is made. Give it to accounts on their pages.",
    "role-changed": "The role is changed. Every process acts by it within a second.",
    "role-deleted": "The role is deleted, or as the code defines it.",
    "role-granted": "The account holds the role.",
    "role-held": "The account held it so already.",
    "role-revoked": "The account does not hold the role any more.",
    "reports-cleared": "All reports are forgotten.",
    "banned": "The ban holds. Every process refuses within a second.",
    "ban-lifted": "The ban is lifted.",
    "set-up": "The administrator is ready. Sign in to begin.",
}
"""What a page may be asked to say: addresses carry the key, never the sentence."""

MAILED: Final = frozenset({"registered-mail", "email-asked", "email-reverted", "reset-mailed"})
"""The notices after which somebody looks for a mail."""


class Pages:
    """Renders templates. Threat: injected markup (ASVS 1.2.1): everything is escaped, and an
    undefined name is an error instead of an empty place.

    `least_password` is the length that forms advise; `docs` the path of the API documentation,
    empty where there is none; `keys` and `factors` say whether there are pages of API keys and of
    second factors, `audit` whether a log is kept, `outbox` whether mails are kept on the server;
    `providers` are those to sign in with.
    """

    def __init__(
        self,
        *,
        least_password: int,
        docs: str = "",
        keys: bool = False,
        factors: bool = True,
        mail: bool = False,
        outbox: bool = False,
        audit: bool = True,
        providers: Sequence[object] = (),
        clock: Clock = wall_clock,
    ) -> None:
        self._clock: Final = clock
        self._outbox: Final = outbox
        self._areas: Final = _areas(keys=keys, audit=audit)
        self._templates: Final = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # Jinja's own annotations name the values that it brings itself, and no others.
        known: Any = self._templates.globals
        known.update(
            asset=asset,
            docs=docs,
            keys_page=keys,
            factors_page=factors,
            least_password=least_password,
            strength_path=STRENGTH,
        )
        known.update(honeypot_field=honeypot_field)
        known.update(mail=mail, providers=providers, provider_at=_provider_at)
        filters: Any = self._templates.filters
        filters.update(moment=moment, ago=ago, whole=_whole)

    def render(
        self,
        request: Request,
        template: str,
        *,
        error: SecurityError | None = None,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """The page, with what every page needs: who looks at it, and a CSRF token.

        An `error` is explained on the page; its status and headers are the answer's.
        """
        exchange = exchange_of(request.scope)
        # The pages that these lead to are about all tenants, whichever this one is about.
        principal = outside(exchange)
        notice = request.query_params.get("notice", "")
        page = self._templates.get_template(template).render(
            request=request,
            # Where the settings have turned the protection off, forms have nothing to prove.
            csrf=csrf_token(exchange) if CsrfGuard in exchange.state else "",
            nonce=lambda: exchange.nonce,
            signed_in=exchange.principal.is_authenticated,
            areas=self.areas_of(principal),
            may_assign_roles=principal.has_permission(ASSIGN_ROLES),
            notice=NOTICES.get(notice, ""),
            outbox=self._outbox and notice in MAILED and reads_outbox(exchange),
            path=exchange.path,
            now=self._clock(),
            errors=sentences(error),
            **values,
        )
        response = HTMLResponse(page, status_code=error.status if error else status)
        response.headers.update(error.headers if error else {})
        return response

    def areas_of(self, principal: Principal) -> list[tuple[str, str]]:
        """Path and name of what `principal` may administer."""
        return [area[:2] for area in self._areas if principal.has_permission(area[2])]


def _areas(*, keys: bool, audit: bool) -> list[tuple[str, str, str]]:
    """What there is to administer: path, name, and the permission that it takes."""
    return [
        ("/admin/accounts", "Accounts", MANAGE_ACCOUNTS),
        ("/admin/roles", "Roles", READ_ROLES),
        *([("/admin/keys", "API keys", MANAGE_ALL)] if keys else []),
        ("/admin/bans", "Bans", READ_BANS),
        ("/admin/reports", "Reports", READ_REPORTS),
        *([("/admin/audit", "Audit log", READ_AUDIT)] if audit else []),
    ]


def pages_of(request: Request) -> Pages:
    """The application's templates."""
    return exchange_of(request.scope).service(Pages)


def reads_outbox(exchange: Exchange) -> bool:
    """Whether the requester may read the mails of a development server, which open every account:
    the machine itself and administrators may, those of a tenant not.
    """
    address = parse_address(exchange.client)
    local = address is not None and address.is_loopback
    return local or outside(exchange).has_permission(MANAGE_ACCOUNTS)


def page_route(router: APIRouter | FastAPI, path: str, endpoint: Any) -> None:
    """Add a page. HEAD asks for what GET would answer (RFC 9110 section 9.3.2)."""
    router.add_api_route(path, endpoint, methods=["GET", "HEAD"])


def go_to(path: str, **query: str) -> Response:
    """Answer a form with another page, so that reloading sends nothing twice."""
    return RedirectResponse(address(path, **query), status_code=SEE_OTHER)


def address(path: str, **query: str) -> str:
    """A path with those query fields that hold something."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def own_path(text: str) -> str:
    """`text` if it is a path of this application, else the account's page.

    Threat: an open redirect after sign-in (ASVS 3.7.2): two slashes, backslashes and control
    characters lead browsers to other hosts.
    """
    plain = len(text) <= MAX_PATH and text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else HOME


def _whole(text: str) -> Markup:
    """A heading in which no line ends after a hyphen."""
    return escape(text).replace("e-mail", Markup('<span class="whole">e-mail</span>'))


def _provider_at(name: str, wanted: str) -> str:
    """Where a button of the sign-in page leads."""
    return address(f"/auth/{name}", next=wanted)


def sentences(error: SecurityError | None) -> list[str]:
    """What a form says about a refusal."""
    if error is None:
        return []
    if isinstance(error, ProofRequiredError) and is_asked(error):
        return ["Send the form once more, with a little patience."]
    if isinstance(error, ProofRequiredError):
        return ["Too many attempts. Sign in once more, with a little patience."]
    if isinstance(error, RateLimitError):
        return [f"Too many attempts. Wait {duration(error.retry_after)}, then try again."]
    if isinstance(error, ServiceUnavailableError):
        return ["The server is too busy. Wait a moment, then try again."]
    if isinstance(error, ValidationError):
        return [item["msg"] if isinstance(item, dict) else str(item) for item in error.errors]
    return [error.detail]


def is_asked(error: ProofRequiredError) -> bool:
    """Whether everybody is asked for the work, not only who failed often."""
    return error.reason.startswith("challenge: ")


def duration(seconds: float) -> str:
    """`2 minutes`, rounded up."""
    whole = max(1, ceil(seconds))
    count, unit = (ceil(whole / 60), "minute") if whole > LONG_WAIT else (whole, "second")
    return f"{count} {unit}{'' if count == 1 else 's'}"
