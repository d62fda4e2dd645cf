"""What a trusted proxy says of the client, written where the application looks for it."""

from __future__ import annotations

from zenith.kernel.network import TrustedProxies, parse_address
from zenith.kernel.problem import RawHeaders
from zenith.pipeline import Exchange
from zenith.transport.settings import TransportSettings


def believe_proxy(exchange: Exchange, proxies: TrustedProxies, settings: TransportSettings) -> None:
    """Set client and scheme, and where it is trusted the Host, from a trusted proxy's headers.

    Threat: a client that writes these headers itself (ASVS 4.1.3). They count only on connections
    from a trusted proxy, and only those that the proxy is said to set: it passes on the others.
    The scope is changed too, so that `request.client` and `url_for` agree.
    """
    scope, peer = exchange.scope, exchange.client
    address = parse_address(peer)
    if address is None or not proxies.trusts(address):
        return
    raw: RawHeaders = scope["headers"]
    if settings.proxy_headers == "forwarded":
        forwarded = _joined(raw, b"forwarded")
        exchange.client, hops = proxies.resolve(peer, forwarded=forwarded)
        proto = proxies.proto(peer, forwarded=forwarded)
    else:
        hops_seen = _joined(raw, b"x-forwarded-for")
        exchange.client, hops = proxies.resolve(peer, x_forwarded_for=hops_seen)
        proto = proxies.proto(peer, x_forwarded_proto=_joined(raw, b"x-forwarded-proto"))
    if hops:
        scope["client"] = (exchange.client, 0)
    if proto is not None:
        exchange.secure = proto == "https"
        secure = "wss" if exchange.is_websocket else "https"
        scope["scheme"] = secure if exchange.secure else secure[:-1]
    host = exchange.headers.get(b"x-forwarded-host")
    if host is not None and settings.trust_forwarded_host:
        exchange.headers = {**exchange.headers, b"host": host}
        scope["headers"] = [pair for pair in raw if pair[0] != b"host"] + [(b"host", host)]


def _joined(raw: RawHeaders, name: bytes) -> str:
    """A list header that may come in several lines (RFC 9110 section 5.3)."""
    values = [value.decode("latin-1") for key, value in raw if key == name]
    return ",".join(values)
