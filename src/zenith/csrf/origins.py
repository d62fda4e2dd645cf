"""Where a request comes from, by the headers that pages cannot forge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

OWN_SITES: Final = frozenset({b"same-origin", b"none"})
UNTOLD: Final = b"null"
"""What browsers send as the origin of a form of a page whose referrer policy is `no-referrer`, and
of pages that have none, such as those in a sandbox."""
DEFAULT_PORTS: Final = {b"https": b":443", b"http": b":80"}


class Origins:
    """Tells the application's own pages, and trusted ones, from all others.

    Threat: cross-site requests (ASVS 3.5.1, 3.5.3) and cross-site WebSockets (ASVS 4.4.2).
    Fetch Metadata and Origin are forbidden header names: no script can set them. Referer is asked
    only where a browser sends neither, and its absence proves nothing, so the token decides then.
    """

    __slots__ = ("_own", "_trusted")

    def __init__(self, own: Iterable[str], trusted: Iterable[str]) -> None:
        self._own: Final = frozenset(origin.encode("ascii") for origin in own)
        self._trusted: Final = frozenset(origin.encode("ascii") for origin in trusted)

    def fault(self, headers: Mapping[bytes, bytes], *, secure: bool, host: str) -> str:
        """Why the sender is not believed to be one of ours; empty where nothing speaks against it.

        `secure` and `host` are those of the request.
        """
        origin = headers.get(b"origin")
        site = headers.get(b"sec-fetch-site")
        if site is not None and site not in OWN_SITES and origin not in self._trusted:
            return "cross-site by Sec-Fetch-Site"
        if origin is not None:
            # A page in a sandbox is cross-site to everybody.
            if origin == UNTOLD and site == b"same-origin":
                return ""
            return "" if self._admits(origin, secure, host) else "foreign Origin"
        if site is not None:
            return ""
        referer = headers.get(b"referer")
        if referer and not self._admits(origin_of(referer), secure, host):
            return "foreign Referer"
        return ""

    def _admits(self, origin: bytes, secure: bool, host: str) -> bool:
        if origin in self._own or origin in self._trusted:
            return True
        return not self._own and origin == own_origin(secure=secure, host=host)


def own_origin(*, secure: bool, host: str) -> bytes:
    """The origin of a page at `host`, as browsers write it: without the default port."""
    scheme = b"https" if secure else b"http"
    return scheme + b"://" + host.lower().encode("latin-1").removesuffix(DEFAULT_PORTS[scheme])


def origin_of(url: bytes) -> bytes:
    """The origin part of an absolute URL."""
    scheme, _, rest = url.partition(b"://")
    end = min((index for mark in b"/?#" if (index := rest.find(mark)) >= 0), default=len(rest))
    return scheme + b"://" + rest[:end]
