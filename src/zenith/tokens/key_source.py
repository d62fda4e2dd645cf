"""Documents of other issuers over HTTPS: bounded in time and size, never redirected.

The threat: an issuer, or whoever answers in its place, that hangs, drips, floods or leads to an
inner address (ASVS 1.3.6, 12.2.1, 15.3.2).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError
from zenith.outbound.certificates import usual_context
from zenith.outbound.errors import OutboundError
from zenith.outbound.resolver import SystemResolver
from zenith.outbound.settings import OutboundSettings

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""The body of the document at an address; raises ServiceUnavailableError."""

MAX_BYTES: Final = 256 * 1024
OK: Final = 200
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def is_safe_address(url: str) -> bool:
    """Whether `url` is encrypted, or does not leave this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def fetch_with(
    timeout: float, *, known: Iterable[str] = (), outbound: OutboundSettings | None = None
) -> Fetch:
    """Fetches within `timeout` seconds in all; raises ConfigurationError without httpx. `outbound`
    are the application's settings for calls of other servers, the usual ones if left out.

    What is at the origin of a `known` URL may be inside; a document may name further addresses, and
    these must be public.
    """
    try:
        # Optional, and slow to import: only who trusts other issuers pays for it.
        from zenith.outbound.client import OutboundClient  # noqa: PLC0415
    except (ModuleNotFoundError, ConfigurationError) as error:
        raise ConfigurationError(
            "tokens of other issuers need httpx", fix="pip install 'zenith-security[oauth]'"
        ) from error
    settings = (outbound or OutboundSettings()).knowing(*known).within(timeout, size=MAX_BYTES)
    # Made once: reading the certificates takes longer than a whole call.
    context, names = usual_context(), SystemResolver()

    async def fetch(url: str) -> bytes:
        if not is_safe_address(url):
            raise ServiceUnavailableError(reason="an issuer's address is not encrypted")
        try:
            async with OutboundClient(settings, resolver=names, tls=context) as client:
                answer = await client.get(url, headers={"Accept": "application/json"})
        except OutboundError as error:
            reason = f"an issuer cannot be asked: {error.reason}"
            raise ServiceUnavailableError(reason=reason) from None
        if answer.status != OK:
            raise ServiceUnavailableError(reason=f"status {answer.status} from an issuer")
        return answer.content

    return fetch
