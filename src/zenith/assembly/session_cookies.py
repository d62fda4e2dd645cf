"""Cookies that the start can know of: those of the framework's own session middleware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.middleware import Middleware

from zenith.kernel.errors import ConfigurationError
from zenith.settings import Settings

OWNER: Final = "starlette.middleware.sessions"
DEFAULT_NAME: Final = "session"


def check_session_cookies(middleware: Sequence[Middleware], settings: Settings) -> None:
    """Refuse the start where unsafe cookies are refused and a session would be kept in one.

    Threat: sessions that silently never work, because every answer loses its cookie. Raises
    ConfigurationError.
    """
    headers = settings.headers
    if headers is None or headers.cookies != "refuse" or not settings.is_https:
        return
    for each in middleware:
        if getattr(each.cls, "__module__", "") != OWNER or each.kwargs.get("https_only"):
            continue
        name = str(each.kwargs.get("session_cookie", DEFAULT_NAME))
        if "Secure" not in headers.cookie_exceptions.get(name, ()):
            raise ConfigurationError(
                f"SessionMiddleware keeps sessions in the cookie `{name}`, which lacks Secure",
                fix="add_middleware(SessionMiddleware, https_only=True, ...), or set"
                " ZENITH_HEADERS__COOKIES=add",
            )
