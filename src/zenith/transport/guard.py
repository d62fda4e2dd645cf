"""The guard at the door: who speaks, to which host, and whether it can be understood at all."""

from __future__ import annotations

from typing import ClassVar, Final

from zenith.kernel.clock import Clock, steady_clock
from zenith.kernel.errors import PayloadTooLargeError, SecurityError
from zenith.kernel.network import TrustedProxies, parse_networks
from zenith.pipeline import Exchange, Guard, Mark, Stage
from zenith.transport.body import GuardedBody, is_json
from zenith.transport.facts import Facts
from zenith.transport.firewall import Firewall
from zenith.transport.form import FormBody, form_kind
from zenith.transport.forwarded import believe_proxy
from zenith.transport.hosts import HostList
from zenith.transport.https import https_required
from zenith.transport.limits import BodyLimit, RouteLimits, TimeLimit, limits_of, network_lists
from zenith.transport.networks import NetworkMark, refuse_outside
from zenith.transport.server_proxies import forget_server_proxies
from zenith.transport.settings import TransportSettings

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TransportGuard(Guard):
    """Threat: forged addresses and hosts, smuggled and malformed requests, bodies without end.

    Sets the exchange's `client`, `secure` and `host`; every later guard believes these. Limits what
    the request may look like, weigh and take (ASVS 4.1.3, 4.2.1, 15.1.3). Answers are 4xx, and 504
    for a handler that does not answer in time.
    """

    stage: ClassVar[Stage] = Stage.TRANSPORT
    consumes: ClassVar[tuple[type, ...]] = (BodyLimit, NetworkMark, TimeLimit)

    def __init__(
        self, settings: TransportSettings | None = None, *, steady: Clock = steady_clock
    ) -> None:
        self._settings: Final = settings or TransportSettings()
        self._steady: Final = steady
        # One entry per set of marks that the routes declare, so the routes bound it.
        self._limits: Final[dict[tuple[tuple[Mark, ...], int | None], RouteLimits]] = {}
        self._networks: Final = network_lists(self._settings)
        self._https_only: Final = self._settings.https_only
        self._firewall: Final = Firewall(self._settings)
        self._hosts: Final = HostList(
            self._settings.allowed_hosts, allow_any=self._settings.allow_any_host
        )
        networks = parse_networks(self._settings.trusted_proxies, setting="trusted_proxies")
        self._proxies: Final = TrustedProxies(networks)

    async def startup(self) -> None:
        """Leave nobody else to say who the client is."""
        forget_server_proxies(trusted_proxies=self._settings.trusted_proxies)

    def on_request(self, exchange: Exchange) -> None:
        """Refuse what is malformed, then say who speaks to which host."""
        scope, method = exchange.scope, exchange.method
        version: str = scope.get("http_version", "1.1")
        try:
            self._firewall.check_target(
                method, exchange.path, scope.get("raw_path"), scope.get("query_string", b"")
            )
            facts = exchange.head.facts.get(self)
            if facts is None or facts.version != version:
                facts = exchange.head.facts[self] = self._look_at(exchange, version)
        except SecurityError:
            # Else bans and the audit log would hold it against the proxy.
            believe_proxy(exchange, self._proxies, self._settings)
            raise
        exchange.host = facts.host
        if self._proxies:
            believe_proxy(exchange, self._proxies, self._settings)
            exchange.host = self._hosts.accept(exchange.headers.get(b"host", b""))
        route = (exchange.marks, exchange.max_body_size)
        size, seconds, networks = self._limits.get(route) or self._find_limits(*route)
        if networks:
            refuse_outside(networks, exchange.client)
        if self._https_only and not exchange.secure:
            raise https_required(exchange)
        exchange.deadline = self._steady() + seconds
        if exchange.is_websocket:
            return
        if facts.length > size:
            raise PayloadTooLargeError(reason=f"body of {facts.length} bytes announced")
        if facts.form is not None:
            fields = self._settings.max_form_fields
            exchange.receive = FormBody(exchange, limit=size, kind=facts.form, fields=fields)
        elif facts.has_body or method not in BODILESS:
            exchange.receive = GuardedBody(exchange, limit=size, json_depth=facts.json_depth)

    def _look_at(self, exchange: Exchange, version: str) -> Facts:
        """What the headers alone decide; remembered for requests that carry the same."""
        headers = exchange.headers
        self._firewall.check_headers(exchange.scope["headers"], headers, http_version=version)
        # A proxy that is believed may name another host.
        host = "" if self._proxies else self._hosts.accept(headers.get(b"host", b""))
        length = headers.get(b"content-length")
        has_body = length is not None or b"transfer-encoding" in headers or version[0] != "1"
        content_type = headers.get(b"content-type")
        json_depth, form = 0, None
        if content_type is not None:
            json_depth = self._settings.max_json_depth if is_json(content_type) else 0
            form = form_kind(content_type)
        return Facts(version, host, int(length or 0), has_body, json_depth, form)

    def _find_limits(self, marks: tuple[Mark, ...], max_body_size: int | None) -> RouteLimits:
        found = limits_of(self._settings, self._networks, marks, max_body_size)
        self._limits[marks, max_body_size] = found
        return found
