"""Pages from templates: escaped by default, with a CSRF token in every form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from zenith.csrf import csrf_token
from zenith.pipeline import exchange_of

FOLDER: Final = Path(__file__).parent
ASSETS: Final = FOLDER / "assets"
MANAGE_ACCOUNTS: Final = "users:write"
SEE_OTHER: Final = 303
HOME: Final = "/account/"

NOTICES: Final[Mapping[str, str]] = {
    "registered": "If this e-mail address was free, your account is ready. Sign in to begin.",
    "signed-out": "You are signed out.",
    "signed-out-everywhere": "You are signed out on every device.",
    "session-ended": "That session has ended.",
    "others-ended": "All your other sessions have ended.",
    "password-changed": "Your password is changed. All your other sessions have ended.",
    "locked": "The account is locked. Its sessions have ended.",
    "unlocked": "The account can sign in again.",
    "set-up": "The administrator is ready. Sign in to begin.",
}
"""What a page may be asked to say: addresses carry the key, never the sentence."""


class Pages:
    """Renders templates. Threat: injected markup (ASVS 1.2.1): everything is escaped, and an
    undefined name is an error instead of an empty place.
    """

    def __init__(self) -> None:
        self._templates: Final = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = _moment

    def render(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> Response:
        """The page, with what every page needs: who looks at it, and a CSRF token."""
        exchange = exchange_of(request.scope)
        principal = exchange.principal
        page = self._templates.get_template(template).render(
            csrf=csrf_token(exchange),
            signed_in=principal.is_authenticated,
            may_manage=principal.has_permission(MANAGE_ACCOUNTS),
            notice=NOTICES.get(request.query_params.get("notice", ""), ""),
            path=exchange.path,
            **values,
        )
        return HTMLResponse(page, status_code=status)


def pages_of(request: Request) -> Pages:
    """The application's templates."""
    return exchange_of(request.scope).service(Pages)


def go_to(path: str, *, notice: str = "") -> Response:
    """Answer a form with another page, so that reloading sends nothing twice."""
    return RedirectResponse(f"{path}?notice={notice}" if notice else path, status_code=SEE_OTHER)


def own_path(text: str) -> str:
    """`text` if it is a path of this application, else the account's page.

    Threat: an open redirect after sign-in (ASVS 3.7.2): two slashes, backslashes and control
    characters lead browsers to other hosts.
    """
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else HOME


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y, %H:%M UTC")
