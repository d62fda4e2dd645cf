"""What may be kept of the addresses in a report: where, never who, and nothing that opens a door.

Threat: reports hold whole addresses of pages, with tokens in queries and paths, and anybody can
send them: what is kept is shown to administrators and printed on terminals (ASVS 14.2.1, 16.4.1).
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

MAX_TEXT: Final = 2048
MAX_PATH: Final = 200
OTHER: Final = "other"
HIDDEN: Final = "*"
KEYWORDS: Final = frozenset(
    {
        "inline",
        "eval",
        "wasm-eval",
        "self",
        "about",
        "blob",
        "data",
        "filesystem",
        "mediastream",
        "trusted-types-policy",
        "trusted-types-sink",
    }
)
"""What browsers write in place of an address (CSP Level 3 section 2.4.1 and before)."""
_SCHEMES: Final = frozenset(
    {
        "about",
        "blob",
        "chrome-extension",
        "data",
        "filesystem",
        "moz-extension",
        "ms-browser-extension",
        "safari-extension",
        "safari-web-extension",
        "webkit-masked-url",
    }
)
"""Schemes that say enough: what follows tells which extensions somebody has, or is content."""
_PORTS: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,31}):"
    r"(?://(?:[^/?#@\\]{0,255}@)?(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#]*)?(?=[?#]|$))?",
    # Without ASCII, letters such as the long s would be taken for those of the alphabet.
    re.IGNORECASE | re.DOTALL | re.ASCII,
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]{0,48}")
_EXTENSION: Final = re.compile(r"\.[A-Za-z]{1,5}$")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FEW_DIGITS, _SHORT, _LONG, _MIXED = 3, 12, 28, 16


def host_of(host: str, *, secure: bool) -> str:
    """A host as it stands in addresses: lower case, without the scheme's own port."""
    return host.lower().removesuffix(":443" if secure else ":80")


def describe(value: object, hosts: Container[str]) -> str:
    """What is kept of an address: the path on one of our own `hosts`, the origin elsewhere, the
    scheme of what has no host, a keyword, `other`; empty for what is empty or no text.
    """
    if not isinstance(value, str) or not value:
        return ""
    text = value[:MAX_TEXT]
    if text in KEYWORDS:
        return text
    match = _URL.match(text)
    if match is None:
        return OTHER
    scheme = match["scheme"].lower()
    own_port = _PORTS.get(scheme)
    if own_port is None or match["host"] is None:
        return f"{scheme}:" if scheme in _SCHEMES else OTHER
    port = match["port"]
    host = match["host"].lower() + ("" if port in (None, own_port) else f":{port}")
    return path_of(match["path"] or "/") if host in hosts else f"{scheme}://{host}"


def path_of(path: str) -> str:
    """A path without what looks like an id, a token or a name: `/users/17` is `/users/*`."""
    kept = "/".join(_segment(part) for part in path[:MAX_PATH].split("/"))
    return kept if len(path) <= MAX_PATH else f"{kept}/{HIDDEN}"


def name_of(value: object) -> str:
    """A name that a browser gives something, such as `tcp.timed_out`; empty for anything else."""
    if not isinstance(value, str):
        return ""
    text = value[:MAX_TEXT].strip().replace(" ", "-")
    return text if _NAME.fullmatch(text) else ""


def _segment(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _is_telling(text):
        return text
    extension = _EXTENSION.search(text)
    return HIDDEN + (extension[0] if extension else "")


def _is_telling(text: str) -> bool:
    digits, length = sum(map(str.isdigit, text)), len(text)
    return (
        digits >= _FEW_DIGITS
        or (digits > 0 and (length >= _SHORT or digits == length))
        or length >= _LONG
        or (length >= _MIXED and not text.islower() and not text.isupper())
    )
