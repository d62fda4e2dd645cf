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
from typing import Final, TypeAlias

from zenith.kernel.errors import ConfigurationError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN: Final = "unknown"
MAX_HOPS: Final = 32
_FORWARDED_FOR: Final = re.compile(r'(?:^|[;\s])for=(?:"([^"]*)"|([^;,\s]*))', re.IGNORECASE)
_FORWARDED_PROTO: Final = re.compile(r'(?:^|[;\s])proto="?(https?)"?(?:$|[;\s])', re.IGNORECASE)


def parse_networks(texts: Iterable[str], *, setting: str) -> tuple[Network, ...]:
    """Networks in CIDR notation; raises ConfigurationError naming `setting` for anything else."""
    networks: list[Network] = []
    for text in texts:
        try:
            networks.append(ip_network(text))
        except ValueError:
            raise ConfigurationError(
                f"{setting}: `{text}` is no network",
                fix="write an address or a network without host bits, such as 10.0.0.0/8",
            ) from None
    return tuple(networks)


def parse_address(text: str) -> Address | None:
    """An address from a hop's text: brackets and a port are tolerated, anything else is not."""
    candidate = text.strip()
    if candidate.startswith("["):
        candidate = candidate[1:].partition("]")[0]
    elif candidate.count(":") == 1:
        candidate = candidate.partition(":")[0]
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


class TrustedProxies:
    """Finds the client behind proxies: the rightmost hop that is no trusted proxy.

    Threat: a client that writes its own X-Forwarded-For to escape limits and to forge the audit
    log (ASVS 15.3.4). Headers count only when the connection itself comes from a trusted network;
    hops are then read from the right, and the first one outside the trusted networks is the client.
    """

    __slots__ = ("_networks",)

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks: Final = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: Address) -> bool:
        """Whether `address` is one of the trusted proxies."""
        return any(address in network for network in self._networks)

    def resolve(
        self, peer: str, *, forwarded: str = "", x_forwarded_for: str = ""
    ) -> tuple[str, int]:
        """The client's address and how many hops from the right it was found (0: the peer).

        A hop that cannot be read ends the search at the last hop that could: an unreadable client
        is never better than the proxy that spoke to it.
        """
        found = parse_address(peer)
        if found is None or not self.trusts(found):
            return peer, 0
        hops = _forwarded_hops(forwarded) if forwarded else x_forwarded_for.split(",")
        depth = 0
        for text in reversed(hops[-MAX_HOPS:]):
            hop = parse_address(text)
            if hop is None:
                break
            depth += 1
            found = hop
            if not self.trusts(hop):
                break
        return str(found), depth

    def proto(self, peer: str, *, forwarded: str = "", x_forwarded_proto: str = "") -> str | None:
        """The scheme that the nearest proxy received, or None if no trusted proxy says so."""
        address = parse_address(peer)
        if address is None or not self.trusts(address):
            return None
        if forwarded:
            match = _FORWARDED_PROTO.search(forwarded.rsplit(",", maxsplit=1)[-1])
            return match.group(1).lower() if match else None
        proto = x_forwarded_proto.rsplit(",", maxsplit=1)[-1].strip().lower()
        return proto if proto in ("http", "https") else None


def _forwarded_hops(header: str) -> list[str]:
    hops: list[str] = []
    for element in header.split(","):
        match = _FORWARDED_FOR.search(element)
        hops.append((match.group(1) or match.group(2) or "") if match else "")
    return hops
