"""Documents of other issuers over HTTPS: bounded in time and size, never redirected.

The threat: an issuer, or whoever answers in its place, that hangs, drips, floods or leads to an
inner address (ASVS 1.3.6, 12.2.1, 15.3.2).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from zenith.kernel.errors import ConfigurationError, ServiceUnavailableError

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


def fetch_with(timeout: float) -> Fetch:
    """Fetches within `timeout` seconds in all; raises ConfigurationError without httpx."""
    try:
        # Optional, and slow to import: only who trusts other issuers pays for it.
        import httpx  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "tokens of other issuers need httpx", fix="pip install 'zenith-security[oauth]'"
        ) from error
    # Made once: reading the certificates takes longer than a whole call.
    context = ssl.create_default_context()

    async def fetch(url: str) -> bytes:
        if not is_safe_address(url):
            raise ServiceUnavailableError(reason="an issuer's address is not encrypted")
        client = httpx.AsyncClient(
            verify=context, timeout=timeout, follow_redirects=False, trust_env=False
        )
        sent = {"Accept": "application/json", "Accept-Encoding": "identity"}
        try:
            # The time-outs of the client begin anew with each byte that drips in.
            async with (
                asyncio.timeout(timeout),
                client,
                client.stream("GET", url, headers=sent) as response,
            ):
                if response.status_code != OK:
                    reason = f"status {response.status_code} from an issuer"
                    raise ServiceUnavailableError(reason=reason)
                return await _bounded(response.aiter_raw(16 * 1024))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # TimeoutError is an OSError.
            reason = f"an issuer cannot be asked: {type(error).__name__}"
            raise ServiceUnavailableError(reason=reason) from None

    return fetch


async def _bounded(parts: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > MAX_BYTES:
            raise ServiceUnavailableError(reason="an issuer answered too much")
    return bytes(body)
