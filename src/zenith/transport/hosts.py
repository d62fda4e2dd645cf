"""The hosts that the application serves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from zenith.kernel.errors import BadRequestError, MisdirectedRequestError

MAX_REMEMBERED: Final = 1024
MAX_PORT: Final = 65_535
_HOST: Final = re.compile(
    rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?)"
    rb"(?::([0-9]{1,5}))?"
)


class HostList:
    """Accepts the Host headers that name one of ours.

    Threat: links in mails, redirects and cache keys built from a Host that an attacker chose, and
    pages of a foreign name that was pointed at this server (DNS rebinding).
    """

    __slots__ = ("_any", "_exact", "_remembered", "_suffixes")

    def __init__(self, allowed: Iterable[str], *, allow_any: bool = False) -> None:
        names = tuple(allowed)
        self._any: Final = allow_any
        self._exact: Final = frozenset(name for name in names if not name.startswith("*."))
        self._suffixes: Final = tuple(name[1:] for name in names if name.startswith("*."))
        self._remembered: Final[dict[bytes, str]] = {}

    def accept(self, header: bytes) -> str:
        """Host and port in lower case.

        Raises BadRequestError for what is no host, MisdirectedRequestError for a foreign one.
        """
        known = self._remembered.get(header)
        if known is not None:
            return known
        match = _HOST.fullmatch(header)
        if match is None or int(match.group(2) or 0) > MAX_PORT:
            raise BadRequestError(reason="malformed Host" if header else "no Host")
        host = header.decode("ascii").lower()
        name = match.group(1).decode("ascii").lower()
        if not (self._any or self._serves(name) or self._serves(host)):
            raise MisdirectedRequestError(reason=f"unknown host {host}")
        # Any number of sub-domains and ports may be accepted; memory holds a bounded share of them.
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[header] = host
        return host

    def _serves(self, name: str) -> bool:
        return name in self._exact or (
            any(name.endswith(suffix) for suffix in self._suffixes) and ".." not in name
        )
