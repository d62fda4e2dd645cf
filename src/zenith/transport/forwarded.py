"""What a trusted proxy says of the client, written where the application looks for it."""

from __future__ import annotations

from zenith.kernel.network import TrustedProxies
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
    if not proxies.trusts_peer(peer):
        return
    raw: RawHeaders = scope["headers"]
    if settings.proxy_headers == "forwarded":
        told = proxies.hear_forwarded(peer, _joined(raw, b"forwarded"))
        host = told.host
    else:
        told = proxies.hear(
            peer,
            x_forwarded_for=_joined(raw, b"x-forwarded-for"),
            x_forwarded_proto=_joined(raw, b"x-forwarded-proto"),
        )
        # Repeated, it is malformed: nobody knows which of them the proxy has written.
        host = _joined(raw, b"x-forwarded-host") or None
    if told.hops:
        exchange.client = told.client
        scope["client"] = (told.client, 0)
    if told.proto is not None:
        exchange.secure = told.proto == "https"
        secure = "wss" if exchange.is_websocket else "https"
        scope["scheme"] = secure if exchange.secure else secure[:-1]
    if host is not None and settings.trust_forwarded_host:
        named = host.encode("latin-1")
        exchange.headers = {**exchange.headers, b"host": named}
        scope["headers"] = [pair for pair in raw if pair[0] != b"host"] + [(b"host", named)]


def _joined(raw: RawHeaders, name: bytes) -> str:
    """A list header that may come in several lines (RFC 9110 section 5.3)."""
    values = [value.decode("latin-1") for key, value in raw if key == name]
    return ",".join(values)
