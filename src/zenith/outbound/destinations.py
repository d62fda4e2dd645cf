"""Where calls may go: one set of rules for the text of a URL, each hop and each connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Network, ip_address
from typing import Final

from zenith.kernel.network import Address, parse_networks
from zenith.outbound.addresses import AddressRules
from zenith.outbound.errors import AddressRefusedError, CallRefusedError, UnreachableError
from zenith.outbound.hosts import MAX_NAME, HostRules
from zenith.outbound.settings import OutboundSettings

MAX_URL: Final = 8 * 1024
MAX_ADDRESSES: Final = 64
"""Addresses of one name. More are no service but an attempt."""
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_SHAPE: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#:@\\%]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


class Destinations:
    """Refuses calls, and the addresses that names lead to (ASVS 1.3.6, 13.2.4)."""

    __slots__ = ("_addresses", "_hosts", "_ports", "_schemes")

    def __init__(self, settings: OutboundSettings) -> None:
        exposed = settings.exposed_internal_networks
        prefixes = parse_networks(settings.nat64_prefixes, setting="outbound.nat64_prefixes")
        self._addresses: Final = AddressRules(
            exposed=parse_networks(exposed, setting="outbound.exposed_internal_networks"),
            nat64=[prefix for prefix in prefixes if isinstance(prefix, IPv6Network)],
        )
        self._hosts: Final = HostRules(settings.allowed_hosts)
        self._ports: Final = frozenset(settings.ports)
        self._schemes: Final = frozenset({"https", *["http"] * settings.allow_unencrypted})

    def check_text(self, url: str) -> None:
        """Refuse a URL that could be understood in more than one way, before any parser sees it.

        Whatever passes has a scheme, a host and perhaps a port, all plain; no name, no password, no
        escapes in the host, no backslash, no blank and no control character.
        """
        if len(url) > MAX_URL:
            raise CallRefusedError(reason="the URL is too long")
        if "\\" in url or any(char.isspace() or not char.isprintable() for char in url):
            raise CallRefusedError(reason="the URL holds what no URL holds")
        shape = _SHAPE.fullmatch(url)
        if shape is None or len(shape["host"]) > MAX_NAME:
            raise CallRefusedError(reason="the URL has no plain scheme, host and port")

    def check_call(self, scheme: str, host: str, port: int | None) -> None:
        """Refuse the parts of a URL; `port` is None where it names none."""
        if scheme not in self._schemes:
            raise CallRefusedError(reason="the scheme is not called")
        self.check_host(host, DEFAULT_PORTS[scheme] if port is None else port)

    def check_host(self, host: str, port: int) -> Address | None:
        """The address that `host` is, or None for a name that is to be looked up."""
        if port not in self._ports:
            raise CallRefusedError(reason=f"port {port} is not called")
        address = self._hosts.read(host)
        if address is not None and (kind := self._addresses.refusal_of(address)):
            raise CallRefusedError(reason=f"{address} is {kind}")
        return address

    def check_answers(self, host: str, answers: Sequence[str]) -> tuple[Address, ...]:
        """The addresses of a name; one that is not public refuses them all.

        An attacker's name may have a public address for the check and another for the connection,
        and which of them is tried first is not the application's choice.
        """
        if not answers:
            raise UnreachableError(reason=f"{host} has no address")
        if len(answers) > MAX_ADDRESSES:
            raise AddressRefusedError(reason=f"{host} has more than {MAX_ADDRESSES} addresses")
        try:
            addresses = tuple(ip_address(answer) for answer in answers)
        except ValueError:
            raise AddressRefusedError(reason=f"{host} leads to what is no address") from None
        for address in addresses:
            if kind := self._addresses.refusal_of(address):
                raise AddressRefusedError(reason=f"{host} leads to {address}: {kind}")
        return addresses
