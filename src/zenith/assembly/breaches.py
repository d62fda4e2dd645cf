"""Asking about breaches, where that is turned on."""

from __future__ import annotations

from functools import partial

from zenith.kernel.errors import ConfigurationError
from zenith.passwords import BreachService
from zenith.settings import Settings


def make_breaches(settings: Settings) -> tuple[BreachService, ...]:
    """The service that is asked, or none. It may be inside: the operator has set its address."""
    if not settings.passwords.breach_check:
        return ()
    url = settings.passwords.breach_url
    try:
        # httpx is an extra.
        from zenith.outbound.transport import OutboundTransport  # noqa: PLC0415
    except ConfigurationError:
        return (BreachService(url),)  # says itself what is missing
    way_out = partial(OutboundTransport, settings.outbound.knowing(url))
    return (BreachService(url, transport=way_out),)
