"""Redirects: where the next call goes, and what it takes along.

Threat: a server that sends the caller on to itself with the credentials, the body or the trust that
were meant for another (RFC 9110 section 15.4, ASVS 15.3.2). Each hop is judged like a new call.
"""

from __future__ import annotations

from typing import Final

import httpx

from zenith.outbound.destinations import Destinations
from zenith.outbound.errors import CallRefusedError, RedirectRefusedError
from zenith.outbound.hosts import DEFAULT_PORTS

STATUSES: Final = frozenset({301, 302, 303, 307, 308})
KEEP_METHOD: Final = frozenset({307, 308})
SAFE: Final = frozenset({"GET", "HEAD"})
HARMLESS: Final = frozenset({"accept", "accept-language", "user-agent"})
"""All that another origin is told. What else the caller has set may be a credential, whatever its
name."""
OF_BODIES: Final = frozenset({"content-type", "content-encoding", "content-language"})
OWN: Final = frozenset({"host", "content-length", "transfer-encoding", "accept-encoding"})
"""Made anew for each call."""


def follow(
    request: httpx.Request, status: int, location: str, *, destinations: Destinations
) -> httpx.Request:
    """The call that a redirect asks for; raises RedirectRefusedError if it is not made."""
    target = _target(request.url, location, destinations)
    if request.url.scheme == "https" and target.scheme != "https":
        raise RedirectRefusedError(reason="a redirect from https to http")
    is_same = _origin(request.url) == _origin(target)
    method, content = request.method, request.content
    if method not in SAFE and status not in KEEP_METHOD:
        method, content = "GET", b""
    if content and not is_same:
        raise RedirectRefusedError(reason="a redirect that hands the body to another origin")
    kept = {
        name: value
        for name, value in request.headers.items()
        if name not in OWN and (is_same or name in HARMLESS) and (content or name not in OF_BODIES)
    }
    return httpx.Request(method, target, headers=kept, content=content or None)


def _target(url: httpx.URL, location: str, destinations: Destinations) -> httpx.URL:
    if "\\" in location or location.startswith("///"):
        # A host to some, a path to others.
        raise RedirectRefusedError(reason="a redirect to what is no URL")
    try:
        target = url.join(location)
        destinations.check_text(str(target))
        str(target.host)  # httpx will read it: what begins with xn-- may be no name (UnicodeError)
        destinations.check_call(target.scheme, target.raw_host.decode("ascii"), target.port)
    except (httpx.InvalidURL, ValueError):
        raise RedirectRefusedError(reason="a redirect to what is no URL") from None
    except CallRefusedError as error:
        raise RedirectRefusedError(reason=f"a redirect: {error.reason}") from None
    return target


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme)
