"""Where a browser may be sent on to."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from zenith.content.errors import UnsafeUrlError
from zenith.content.urls import MAX_URL, locate, normalize
from zenith.kernel.errors import ConfigurationError

WEB: Final = ("http", "https")
ORIGIN_SLASHES: Final = 3
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
# Encoded slashes and dots, once or more often, that some server on the way may decode.
_ENCODED: Final = re.compile(r"%(?:25)*(?:2f|5c|2e|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_DOTS: Final = re.compile(r"/\.{1,2}(?:/|$)")


def is_local_path(target: str) -> bool:
    """Whether `target` is a path of this application, with query and fragment, for every browser
    and for every server in between.
    """
    if len(target) > MAX_URL or not _LOCAL.fullmatch(target):
        return False
    path = re.split("[?#]", target, maxsplit=1)[0]
    return "//" not in path and not _ENCODED.search(path) and not _DOTS.search(path)


def safe_redirect(target: str, *, origins: Collection[str] = (), default: str = "/") -> str:
    """`target` if it is a path of this application or an address of one of `origins`; else
    `default`.

    Threat: a link to the real application that ends on another page, which asks for the password
    (ASVS 3.7.2). Browsers read two slashes, backslashes, tabs within and control characters before
    an address as the beginning of another host; none of these is let through. `origins` are written
    as `https://shop.example.org`.

    Raises ConfigurationError for an origin that is none, and for a `default` that would be refused.
    """
    known = _origins(tuple(origins))
    if _allowed(default, known) is None:
        raise ConfigurationError(
            "content: the default of a redirect is neither a local path nor of a named origin",
            fix='give a path: default="/"',
        )
    found = _allowed(target, known)
    return default if found is None else found


def _allowed(target: str, origins: frozenset[str]) -> str | None:
    if is_local_path(target):
        return target
    try:
        url = normalize(target, WEB)
    except UnsafeUrlError:
        return None
    return url if _origin(url) in origins else None


def _origin(url: str) -> str:
    scheme, _, rest = url.partition(":")
    return locate(scheme, rest).origin


@lru_cache(maxsize=64)
def _origins(given: tuple[str, ...]) -> frozenset[str]:
    known: set[str] = set()
    for each in given:
        try:
            url = normalize(each, WEB)
        except UnsafeUrlError:
            url = ""
        if url.count("/") != ORIGIN_SLASHES or not url.endswith("/") or each.endswith("/"):
            raise ConfigurationError(
                f"content: `{each}` is no origin", fix="write it as https://shop.example.org"
            )
        known.add(url.removesuffix("/"))
    return frozenset(known)
