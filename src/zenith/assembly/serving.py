"""What the server is told: limits, trusted peers, and the headers of its own answers."""

from __future__ import annotations

from zenith.assembly.parts import Parts
from zenith.headers import SecurityHeaders
from zenith.kernel.network import TrustedProxies, parse_networks
from zenith.server import DrainGuard, Serving
from zenith.settings import Settings


def make_serving(parts: Parts) -> Serving:
    """From the settings as they hold."""
    settings = parts.settings
    proxies = () if settings.transport is None else settings.transport.trusted_proxies
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if settings.headers is not None:
        headers = tuple(SecurityHeaders(settings.headers).fields(secure=settings.is_https))
    return Serving(
        settings=settings.server,
        proxies=TrustedProxies(parse_networks(proxies, setting="trusted_proxies")),
        headers=headers,
        events=parts.events,
    )


def make_drain(settings: Settings) -> tuple[DrainGuard, ...]:
    """What holds a stop back, where it is to be held back."""
    delay = settings.server.drain_delay
    return (DrainGuard(delay),) if delay else ()
