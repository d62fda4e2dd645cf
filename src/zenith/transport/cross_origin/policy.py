"""What one policy answers to one origin, ready to be put on responses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from zenith.kernel.problem import RawHeaders
from zenith.transport.cross_origin.settings import ANY, CorsSettings
from zenith.transport.vary import add_vary

ALLOW_ORIGIN: Final = b"access-control-allow-origin"
PREFIX: Final = b"access-control-allow-"
EXPOSE: Final = b"access-control-expose-headers"
MAX_AGE: Final = b"access-control-max-age"
VARY: Final = b"Origin"
PREFLIGHT_VARY: Final = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
MAX_ORIGIN: Final = 300
_LABELS: Final = re.compile(rb"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class CorsPolicy:
    """Tells origins apart and writes what browsers look for. Immutable.

    Threat: an origin that only looks like one of ours: `https://example.com.evil.example`,
    `https://evilexample.com`, `null`. Names are compared whole; of a pattern the scheme, the port
    and the domain are compared whole and the rest must be labels of a host.
    """

    __slots__ = ("_any", "_exact", "_fixed", "_patterns", "_preflight", "credentials", "methods")

    def __init__(self, settings: CorsSettings) -> None:
        origins = settings.origins
        self.credentials: Final = settings.credentials
        self.methods: Final = frozenset(settings.methods)
        self._any: Final = ANY in origins
        self._exact: Final = frozenset(each.encode() for each in origins if "*" not in each)
        self._patterns: Final = tuple(_split(each) for each in origins if "*." in each)
        fixed: RawHeaders = []
        preflight: RawHeaders = []
        if settings.credentials:
            allowed = (b"access-control-allow-credentials", b"true")
            fixed.append(allowed)
            preflight.append(allowed)
        if settings.exposed_headers:
            fixed.append((EXPOSE, ", ".join(settings.exposed_headers).encode()))
        preflight += [
            (b"access-control-allow-methods", ", ".join(settings.methods).encode()),
            (b"access-control-allow-headers", ", ".join(settings.request_headers).encode()),
            (MAX_AGE, str(settings.max_age).encode()),
        ]
        self._fixed: Final = tuple(fixed)
        self._preflight: Final = tuple(preflight)

    def admits(self, origin: bytes) -> bool:
        """Whether pages of `origin` may read answers."""
        if self._any or origin in self._exact:
            return True
        if not self._patterns or len(origin) > MAX_ORIGIN:
            return False
        return any(
            origin.startswith(head)
            and origin.endswith(tail)
            and _LABELS.fullmatch(origin, len(head), len(origin) - len(tail)) is not None
            for head, tail in self._patterns
        )

    def believes(self, headers: Mapping[bytes, bytes], method: str) -> bool:
        """Whether the page that sends this change may send it so.

        Without credentials only what a script has asked CORS for, and what no cookie came along
        with: a form of another site could sign its visitor in to a foreign account.
        """
        if method not in self.methods or not self.admits(headers.get(b"origin", b"")):
            return False
        asked = headers.get(b"sec-fetch-mode") == b"cors" and b"cookie" not in headers
        return self.credentials or asked

    def apply(self, headers: RawHeaders, origin: bytes | None, *, preflight: bool) -> None:
        """Put the answer on a response, in place of whatever the application says of this."""
        headers[:] = [field for field in headers if not _is_ours(field[0].lower())]
        admitted = self._any or (origin is not None and self.admits(origin))
        fields = self._preflight if preflight else self._fixed
        add_vary(headers, PREFLIGHT_VARY if preflight else VARY)
        if admitted:
            headers.append((ALLOW_ORIGIN, b"*" if self._any else origin or b""))
            headers += fields


def _split(pattern: str) -> tuple[bytes, bytes]:
    """What stands before the sub-domain, and what behind it: its dot, the domain, the port."""
    head, _, tail = pattern.partition("*")
    return head.encode(), tail.encode()


def _is_ours(name: bytes) -> bool:
    return name.startswith(PREFIX) or name in (EXPOSE, MAX_AGE)
