"""Which hosts are called, and how they may be written: one way, so that there is one meaning.

Threat: spellings that a check reads one way and a resolver another: `0x7f.1`, `2130706433`,
`127.0.0.1.`, `localhost%00.example.com`, and names that only mean something inside (ASVS 1.3.6).
Refusing them is the first of two fences: whatever a name is, its addresses are judged as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from zenith.kernel.network import Address
from zenith.outbound.errors import CallRefusedError

MAX_NAME: Final = 253
MAX_PORT: Final = 65_535
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host without brackets, port."""
_ORIGIN: Final = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[0-9a-z_.-]+)(?::([1-9][0-9]{0,4}))?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label by which every resolver takes the whole for an IPv4 address (WHATWG URL, "ends in a
number")."""

METADATA_NAMES: Final = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "metadata.tencentyun.com",
    }
)
INSIDE: Final = frozenset(
    {"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private"}
    | {"test", "invalid", "example", "onion", "alt", "arpa"}
)
"""Last labels that no public host has (RFC 6761, 6762, 7686, 8375, 9476; ICANN's `internal`)."""


class HostRules:
    """Reads the host of a call, and refuses what is not called.

    `allowed`: names, `*.` with a name, or addresses; empty for every public host. A name that is
    listed may be one of the inside; its addresses are judged all the same.
    """

    __slots__ = ("_allowed", "_suffixes")

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed: Final = frozenset(each for each in allowed if not each.startswith("*."))
        self._suffixes: Final = tuple(each[1:] for each in allowed if each.startswith("*."))

    def read(self, host: str, *, is_known: bool = False) -> Address | None:
        """The address that the host is, or None for a name; raises CallRefusedError.

        `host` is in lower case and ASCII, an IPv6 address without brackets. `is_known`: it need not
        be among those allowed, and may be one of the inside.
        """
        address = _literal(host)
        if address is None:
            _check_name(host)
        if host in METADATA_NAMES:
            raise CallRefusedError(reason=f"{host} is a metadata service")
        if is_known:
            return address
        if self._allowed or self._suffixes:
            known = host if address is None else str(address)
            if known not in self._allowed and not known.endswith(self._suffixes):
                raise CallRefusedError(reason="the host is not among those allowed")
        elif address is None:
            _check_public(host)
        return address


def _literal(host: str) -> Address | None:
    is_number = _NUMBER.fullmatch(host.rsplit(".", maxsplit=1)[-1])
    try:
        if ":" in host:
            return IPv6Address(host)
        return IPv4Address(host) if is_number else None
    except ValueError:
        raise CallRefusedError(reason="a number that is no plain address") from None


def _check_name(host: str) -> None:
    if len(host) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise CallRefusedError(reason="the host is not written plainly")


def _check_public(host: str) -> None:
    if "." not in host or host.rsplit(".", maxsplit=1)[-1] in INSIDE:
        raise CallRefusedError(reason=f"{host} is no public name")


def is_pattern(text: str) -> bool:
    """Whether `text` can stand in a list of hosts: a name, `*.` with a name of two labels or more,
    or an address in its usual form.
    """
    try:
        return str(ip_address(text)) == text
    except ValueError:
        name = text.removeprefix("*.")
    labels = name.split(".")
    if text != name and len(labels) == 1:
        return False
    return (
        len(name) <= MAX_NAME
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMBER.fullmatch(labels[-1])
    )


def read_origin(text: str) -> Origin:
    """The parts of `https://sso.internal:8443`; raises ValueError for what is no such origin."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError("no origin")
    scheme, host, port = found[1], found[2].strip("[]"), int(found[3] or 0)
    if not is_pattern(host) or port > MAX_PORT:
        raise ValueError("no origin")
    return scheme, host, port or DEFAULT_PORTS[scheme]


def origin_of(url: str) -> str | None:
    """The origin of a URL, as `read_origin` reads it; None where it has none that is plain."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        place = f"[{host}]" if ":" in host else host
        origin = f"{parts.scheme}://{place}" + ("" if port is None else f":{port}")
        read_origin(origin)
    except ValueError:
        return None
    return origin
