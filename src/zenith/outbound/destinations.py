"""Where calls may go: one set of rules for the text of a URL, each hop and each connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Network, ip_address
from typing import Final

from zenith.kernel.network import Address, parse_networks
from zenith.outbound.addresses import AddressRules
from zenith.outbound.errors import AddressRefusedError, CallRefusedError, UnreachableError
from zenith.outbound.hosts import DEFAULT_PORTS, MAX_NAME, HostRules, read_origin
from zenith.outbound.settings import OutboundSettings

MAX_URL: Final = 8 * 1024
MAX_ADDRESSES: Final = 64
"""Addresses of one name. More are no service but an attempt."""
_SHAPE: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#:@\\%]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)


class Destinations:
    """Refuses calls, and the addresses that names lead to (ASVS 1.3.6, 13.2.4)."""

    __slots__ = ("_addresses", "_exposed", "_hosts", "_origins", "_ports", "_schemes")

    def __init__(self, settings: OutboundSettings) -> None:
        exposed = settings.exposed_internal_networks
        prefixes = parse_networks(settings.nat64_prefixes, setting="outbound.nat64_prefixes")
        self._addresses: Final = AddressRules(
            exposed=parse_networks(exposed, setting="outbound.exposed_internal_networks"),
            denied=parse_networks(settings.denied_networks, setting="outbound.denied_networks"),
            nat64=[prefix for prefix in prefixes if isinstance(prefix, IPv6Network)],
        )
        self._hosts: Final = HostRules(settings.allowed_hosts)
        self._ports: Final = frozenset(settings.ports)
        self._schemes: Final = frozenset({"https", *["http"] * settings.allow_unencrypted})
        self._origins: Final = frozenset(map(read_origin, settings.exposed_origins))
        self._exposed: Final = frozenset((host, port) for _, host, port in self._origins)

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
        number = DEFAULT_PORTS.get(scheme, 0) if port is None else port
        is_other = scheme not in self._schemes or (host, number) in self._exposed
        if is_other and (scheme, host, number) not in self._origins:
            raise CallRefusedError(reason="the scheme is not called")
        self.check_host(host, number)

    def check_host(self, host: str, port: int) -> Address | None:
        """The address that `host` is, or None for a name that is to be looked up."""
        is_exposed = (host, port) in self._exposed
        if port not in self._ports and not is_exposed:
            raise CallRefusedError(reason=f"port {port} is not called")
        address = self._hosts.read(host, is_known=is_exposed)
        if address is not None and (kind := self._refusal_of(address, host, port)):
            raise CallRefusedError(reason=f"{address} is {kind}")
        return address

    def check_answers(self, host: str, port: int, answers: Sequence[str]) -> tuple[Address, ...]:
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
            if kind := self._refusal_of(address, host, port):
                raise AddressRefusedError(reason=f"{host} leads to {address}: {kind}")
        return addresses

    def _refusal_of(self, address: Address, host: str, port: int) -> str:
        return self._addresses.refusal_of(address, is_exposed=(host, port) in self._exposed)
