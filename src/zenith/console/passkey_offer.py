"""What the sign-in page offers to browsers that hold a passkey."""

from __future__ import annotations

import json
from typing import Final

from starlette.requests import Request

from zenith.console.cookies import own_cookie
from zenith.kernel.keys import new_token
from zenith.mfa import MfaServices
from zenith.mfa.passkeys import PAGE_LIFETIME
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings

HANDLE: Final = "zenith-passkey"
HANDLE_LENGTH: Final = 43


def passkey_offer(request: Request) -> tuple[str, str]:
    """For the sign-in page: what the browser is asked, and the cookie that binds the answer to this
    browser. Empty where passkeys are off.
    """
    exchange = exchange_of(request.scope)
    services = exchange.services.get(MfaServices)
    if not isinstance(services, MfaServices) or not services.passkey_sign_in.is_offered:
        return "", ""
    handle = handle_of(exchange)
    if len(handle) != HANDLE_LENGTH:
        handle = new_token()
    options = json.dumps(services.passkey_sign_in.options(handle))
    return options, own_cookie(exchange, HANDLE, handle, lifetime=PAGE_LIFETIME)


def handle_of(exchange: Exchange) -> str:
    """The secret to which this browser's passkey challenges are bound; empty if it has none."""
    secure = exchange.service(SessionSettings).secure_cookies
    return exchange.cookies.get(f"__Host-{HANDLE}" if secure else HANDLE, "")
