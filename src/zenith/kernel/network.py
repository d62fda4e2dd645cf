"""Client addresses: whom to believe, and what one client is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.forwarded import read_backwards

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN: Final = "unknown"
SCHEMES: Final = frozenset({"http", "https"})
MAX_HOPS: Final = 32
MAPPED: Final = 96
"""Bits in front of an IPv4 address that is written as IPv6."""
_PORT: Final = re.compile(r":(?:[0-9]{1,5}|_[A-Za-z0-9._-]+)")
"""RFC 7239 section 6; a proxy may hide the port behind a name."""


def parse_networks(texts: Iterable[str], *, setting: str) -> tuple[Network, ...]:
    """Networks in CIDR notation; raises ConfigurationError naming `setting` for anything else."""
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(unmapped(ip_network(text)))
        except ValueError:
            raise ConfigurationError(
                f"{setting}: `{text}` is no network",
                fix="write an address or a network without host bits, such as 10.0.0.0/8",
            ) from None
    return tuple(networks)


def unmapped(network: Network) -> Network:
    """Addresses are compared as IPv4 where they are, so networks are too."""
    mapped = network.network_address
    if isinstance(mapped, IPv6Address) and mapped.ipv4_mapped is not None:
        return ip_network(f"{mapped.ipv4_mapped}/{network.prefixlen - MAPPED}")
    return network


def parse_address(text: str) -> Address | None:
    """An address from a hop's text: brackets and a port are tolerated, anything else is not."""
    candidate = text.strip()
    if candidate.startswith("["):
        candidate, bracket, port = candidate[1:].partition("]")
        if ":" not in candidate or not bracket or (port and not _PORT.fullmatch(port)):
            return None
    elif candidate.count(":") == 1:
        candidate, _, port = candidate.partition(":")
        if not _PORT.fullmatch(f":{port}"):
            return None
    try:
        address = ip_address(candidate)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.scope_id is not None:
            return IPv6Address(int(address))
    return address


def client_key(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 /64, for one holder owns it all."""
    if ":" not in address:
        return address
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed) if parsed is not None else address


class Told(NamedTuple):
    """What trusted proxies tell of the client."""

    client: str
    hops: int
    """How many hops from the right it was found (0: the peer)."""
    proto: str | None = None
    """The scheme that the client spoke."""
    host: str | None = None
    """The host that the client asked for."""


class TrustedProxies:
    """Finds the client behind proxies: the rightmost hop that is no trusted proxy.

    Threat: a client that writes its own X-Forwarded-For or Forwarded to escape limits, to pass a
    list of networks and to forge the audit log (ASVS 4.1.3, 15.3.4). Headers count only when the
    connection itself comes from a trusted network; hops are then read from the right, and the first
    one outside the trusted networks is the client. What stands left of it is the client's word. A
    hop that cannot be read ends the search at the last one that could: an unreadable client is
    never better than the proxy that spoke to it.
    """

    __slots__ = ("_networks",)

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks: Final = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: Address) -> bool:
        """Whether `address` is one of the trusted proxies."""
        return any(address in network for network in self._networks)

    def trusts_peer(self, peer: str) -> bool:
        """Whether the other end of the connection is one of the trusted proxies."""
        address = parse_address(peer)
        return address is not None and self.trusts(address)

    def hear(self, peer: str, *, x_forwarded_for: str, x_forwarded_proto: str = "") -> Told:
        """What X-Forwarded-For and X-Forwarded-Proto tell, each with its lines joined by commas.

        Of several schemes the last counts, which the nearest proxy has written: whoever stands
        before it may or may not have added one, so that no other can be told from a forged one.
        """
        if not self.trusts_peer(peer):
            return Told(peer, 0)
        found, depth = peer, 0
        for text in reversed(x_forwarded_for.split(",")[-MAX_HOPS:]):
            hop = parse_address(text)
            if hop is None:
                break
            found, depth = str(hop), depth + 1
            if not self.trusts(hop):
                break
        proto = x_forwarded_proto.rsplit(",", maxsplit=1)[-1].strip().lower()
        return Told(found, depth, proto if proto in SCHEMES else None)

    def hear_forwarded(self, peer: str, header: str) -> Told:
        """What Forwarded tells, its lines joined by commas (RFC 7239).

        Scheme and host are those of the element that ends the search: the proxy that wrote it is
        trusted, and it is the one that the client spoke to.
        """
        if not self.trusts_peer(peer):
            return Told(peer, 0)
        told = Told(peer, 0)
        for element in islice(read_backwards(header), MAX_HOPS):
            proto = element.proto if element.proto in SCHEMES else None
            hop = parse_address(element.client)
            if hop is None:
                return Told(told.client, told.hops, proto, element.host or None)
            told = Told(str(hop), told.hops + 1, proto, element.host or None)
            if not self.trusts(hop):
                break
        return told
