"""The guard at the door: who speaks, to which host, and whether it can be understood at all."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from urllib.parse import quote

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import PayloadTooLargeError
from zenith.kernel.network import TrustedProxies, parse_networks
from zenith.kernel.problem import prefers_html
from zenith.pipeline import Exchange, Guard, Stage
from zenith.transport.body import GuardedBody
from zenith.transport.errors import HttpsRedirectError, HttpsRequiredError
from zenith.transport.firewall import Firewall
from zenith.transport.forwarded import believe_proxy
from zenith.transport.hosts import HostList
from zenith.transport.limits import BodyLimit, TimeLimit
from zenith.transport.settings import TransportSettings

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TransportGuard(Guard):
    """Threat: forged addresses and hosts, smuggled and malformed requests, bodies without end.

    Sets the exchange's `client`, `secure` and `host`; every later guard believes these. Limits what
    the request may look like, weigh and take (ASVS 4.1.3, 4.2.1, 15.1.3). Answers are 4xx, and 504
    for a handler that does not answer in time.
    """

    stage: ClassVar[Stage] = Stage.TRANSPORT
    consumes: ClassVar[tuple[type, ...]] = (BodyLimit, TimeLimit)

    def __init__(
        self, settings: TransportSettings | None = None, *, steady: Clock = steady_clock
    ) -> None:
        self._settings: Final = settings or TransportSettings()
        self._steady: Final = steady
        self._size: Final = self._settings.max_body_size
        self._seconds: Final = self._settings.request_timeout
        self._https_only: Final = self._settings.https_only
        self._firewall: Final = Firewall(self._settings)
        self._hosts: Final = HostList(
            self._settings.allowed_hosts, allow_any=self._settings.allow_any_host
        )
        networks = parse_networks(self._settings.trusted_proxies, setting="trusted_proxies")
        self._proxies: Final = TrustedProxies(networks)

    def on_request(self, exchange: Exchange) -> None:
        """Refuse what is malformed, then say who speaks to which host."""
        scope, headers = exchange.scope, exchange.headers
        method, version = exchange.method, scope.get("http_version", "1.1")
        self._firewall.check_target(
            method, exchange.path, scope.get("raw_path"), scope.get("query_string", b"")
        )
        self._firewall.check_headers(scope["headers"], headers, http_version=version)
        if self._proxies:
            believe_proxy(exchange, self._proxies, self._settings)
        exchange.host = self._hosts.accept(exchange.headers.get(b"host", b""))
        if self._https_only and not exchange.secure:
            raise _https_required(exchange)
        size, seconds = self._limits(exchange)
        exchange.deadline = self._steady() + seconds
        if exchange.is_websocket:
            return
        length = headers.get(b"content-length")
        if length is not None and int(length) > size:
            raise PayloadTooLargeError(reason=f"body of {length.decode('ascii')} bytes announced")
        if (
            length is not None
            or method not in BODILESS
            or b"transfer-encoding" in headers
            or version[0] != "1"
        ):
            exchange.receive = GuardedBody(
                exchange, limit=size, json_depth=self._settings.max_json_depth
            )

    def _limits(self, exchange: Exchange) -> tuple[int, float]:
        size, seconds = self._size, self._seconds
        if exchange.max_body_size is not None:
            size = exchange.max_body_size
        for mark in exchange.marks:
            if isinstance(mark, BodyLimit):
                size = mark.size
            elif isinstance(mark, TimeLimit):
                seconds = mark.seconds
        return size, seconds


def _https_required(exchange: Exchange) -> HttpsRequiredError:
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
