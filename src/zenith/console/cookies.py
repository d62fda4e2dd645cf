"""The cookies that pages set."""

from __future__ import annotations

from zenith.accounts import devices, factor_cookie
from zenith.pipeline import Exchange
from zenith.sessions import SessionSettings, clear_cookie, session_cookie


def session_header(exchange: Exchange, value: str, *, remembered: bool = False) -> str:
    """Set-Cookie for a new session."""
    return session_cookie(value, exchange.service(SessionSettings), remembered=remembered)


def cleared_session(exchange: Exchange) -> str:
    """Set-Cookie that removes the session's cookie."""
    return clear_cookie(exchange.service(SessionSettings))


def factor_header(exchange: Exchange, challenge: str) -> str:
    """Set-Cookie for a sign-in that waits for its second factor; empty text removes it."""
    secure = exchange.service(SessionSettings).secure_cookies
    if not challenge:
        return factor_cookie("", secure=secure, lifetime=0)
    return factor_cookie(challenge, secure=secure)


def own_cookie(exchange: Exchange, name: str, value: str, *, lifetime: int) -> str:
    """Set-Cookie for something that pages alone read; `lifetime` in seconds."""
    is_secure = exchange.service(SessionSettings).secure_cookies
    prefix, flags = ("__Host-", "; Secure") if is_secure else ("", "")
    return f"{prefix}{name}={value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax{flags}"


def device_cookie_name(exchange: Exchange) -> str:
    """Name of the cookie by which a device is known."""
    return devices.device_cookie_name(secure=exchange.service(SessionSettings).secure_cookies)


def device_cookie(exchange: Exchange, value: str) -> str:
    """Set-Cookie for a device on which the account has just signed in."""
    secure = exchange.service(SessionSettings).secure_cookies
    return devices.device_cookie(value, secure=secure)
