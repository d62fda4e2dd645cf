"""What is answered over http where only https is served."""

from __future__ import annotations

import re
from urllib.parse import quote

from zenith.kernel.problem import prefers_html
from zenith.pipeline import Exchange
from zenith.transport.errors import HttpsRedirectError, HttpsRequiredError


def https_required(exchange: Exchange) -> HttpsRequiredError:
    """People are led to https; programs are refused, so that their authors notice (ASVS 4.1.2)."""
    navigation = exchange.method in ("GET", "HEAD") and prefers_html(exchange.headers)
    if exchange.is_websocket or not navigation:
        return HttpsRequiredError(reason="http")
    return HttpsRedirectError(reason="http", headers={"Location": _https_address(exchange)})


def _https_address(exchange: Exchange) -> str:
    scope = exchange.scope
    host = re.sub(r":[0-9]+$", "", exchange.host)
    path = scope.get("raw_path") or quote(exchange.path).encode("ascii")
    query = scope.get("query_string", b"")
    target: bytes = path + b"?" + query if query else path
    return f"https://{host}{target.decode('ascii')}"
