"""The session cookie as it is sent to the browser."""

from __future__ import annotations

import re
from typing import Final

from zenith.kernel.errors import ConfigurationError
from zenith.sessions.settings import SessionSettings
from zenith.sessions.store import SessionRecord

LENGTH: Final = 43
VALUE: Final = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH}}}")
"""256 random bits in base64url."""


def session_cookie(value: str, settings: SessionSettings, *, remembered: bool = False) -> str:
    """The Set-Cookie header that hands a session to a browser.

    Threat: a cookie that scripts can read, that travels in the clear, or that a sister domain can
    plant (ASVS 3.3.1 to 3.3.4). It stays until the absolute end of the session, which the server
    alone decides. Raises ConfigurationError for a value that `Sessions` did not make.
    """
    if VALUE.fullmatch(value) is None:
        raise ConfigurationError(
            "a session cookie of another form", fix="pass what Sessions.start or rotate returned"
        )
    _, lifetime = settings.lifetimes(remembered=remembered)
    return _header(value, int(lifetime), settings)


def renewed_cookie(
    renewed: tuple[SessionRecord, str | None] | None, settings: SessionSettings
) -> str | None:
    """The Set-Cookie header for what `Sessions.prove` returned; None if there is no new cookie."""
    if renewed is None or renewed[1] is None:
        return None
    return session_cookie(renewed[1], settings, remembered=renewed[0].remembered)


def clear_cookie(settings: SessionSettings) -> str:
    """The Set-Cookie header that makes a browser forget its session. End the session too."""
    return _header("", 0, settings)


def _header(value: str, max_age: int, settings: SessionSettings) -> str:
    attributes = f"Path=/; Max-Age={max_age}; HttpOnly; SameSite={settings.same_site}"
    secure = "; Secure" if settings.secure_cookies else ""
    return f"{settings.cookie}={value}; {attributes}{secure}"
