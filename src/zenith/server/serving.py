"""What the server is told by the application that it serves."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final

from zenith.kernel.events import EventSink, Silence
from zenith.kernel.network import TrustedProxies
from zenith.kernel.records import dataclass
from zenith.server.settings import ServerSettings

MAX_WRAPPED: Final = 32
"""How many callables around the application are looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Limits, and what is needed to answer where the application is not asked."""

    settings: ServerSettings = field(default_factory=ServerSettings)
    proxies: TrustedProxies = field(default_factory=TrustedProxies)
    """Peers whose connections are not counted by address."""
    headers: tuple[tuple[bytes, bytes], ...] = (
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    )
    """Of answers that the server gives by itself."""
    events: EventSink = field(default_factory=Silence)


def serving_of(app: Any) -> Serving:
    """What `app`, or what it wraps, has to say in an attribute `serving`; else the defaults."""
    for _ in range(MAX_WRAPPED):
        found = getattr(app, "serving", None)
        if isinstance(found, Serving):
            return found
        app = getattr(app, "app", None)
        if app is None:
            break
    return Serving()
