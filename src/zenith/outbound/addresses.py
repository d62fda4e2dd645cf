"""Which addresses are public. All others are refused, by whatever way they are written.

Threat: server-side request forgery: a URL from outside that leads to a database, to the application
itself, to the router or to the cloud's metadata service, which hands out credentials (ASVS 1.3.6).

The tables are ours and not `ipaddress.is_global`, whose answers differ between versions of Python.
Sources: the IANA registries of special-purpose addresses (RFC 6890) and of IPv6 global unicast.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from zenith.kernel.network import Address, Network

NOT_PUBLIC_4: Final = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared between a provider's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
NOT_PUBLIC_6: Final = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("100::/64", "discarded"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("3fff::/20", "for documentation"),
        ("5f00::/16", "for segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
WRAPPED: Final = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::ffff:0:0/96", "IPv4 written as IPv6"),
        ("::ffff:0:0:0/96", "IPv4 translated"),
        ("64:ff9b:1::/48", "IPv4 translated inside a network"),
        ("2001::/32", "IPv4 in a Teredo tunnel"),
        ("2002::/16", "IPv4 in a 6to4 tunnel"),
    )
)
"""Other ways to an IPv4 address, which nobody needs: refused whatever is within, and not exposed
with a network that they lie in."""
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
NAT64: Final = IPv6Network("64:ff9b::/96")
"""Where IPv6 alone is spoken, each IPv4 host is found here (RFC 6052 section 2.1)."""
PREFIX_LENGTHS: Final = frozenset({32, 40, 48, 56, 64, 96})
_UNUSED_OCTET: Final = 8
"""The octet that RFC 6052 section 2.2 leaves out of shorter prefixes."""
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""Upper halves of interface identifiers whose lower half is IPv4 (RFC 5214 section 6.1)."""

METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.169.253",
        "169.254.170.2",  # credentials of containers
        "169.254.170.23",
        "169.254.0.23",
        "169.254.42.42",
        "100.100.100.200",
        "168.63.129.16",  # looks public, and is the machine's host
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::253",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
        "fd00:c1::a9fe:a9fe",
    )
)
"""Services that give credentials to whoever asks from the machine: no network opens them."""


class AddressRules:
    """Says of an address why it is not called.

    `exposed`: networks that are called although they are not public. `denied`: networks that are
    not called although they are. `nat64`: prefixes by which this network reaches IPv4, beside the
    well-known one.
    """

    __slots__ = ("_denied", "_exposed", "_nat64")

    def __init__(
        self,
        *,
        exposed: Sequence[Network] = (),
        denied: Sequence[Network] = (),
        nat64: Sequence[IPv6Network] = (),
    ) -> None:
        self._exposed: Final = tuple(exposed)
        self._denied: Final = tuple(denied)
        self._nat64: Final = (NAT64, *nat64)

    def refusal_of(self, address: Address, *, is_exposed: bool = False) -> str:
        """What the address is, if it is not called; empty if it is.

        An address with a zone is refused, for it is none outside this machine. An IPv4 address
        within a NAT64 address is judged in its place. `is_exposed`: it may be inside.
        """
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return "bound to an interface"
            inner = self._inner(address)
            if inner is not None:
                return self.refusal_of(inner, is_exposed=is_exposed)
            if wrapping := _wrapping_of(address):
                return wrapping
        if address in METADATA:
            return "a metadata service"
        if any(address in network for network in self._denied):
            return "denied by outbound.denied_networks"
        if is_exposed or any(address in network for network in self._exposed):
            return ""
        return _kind_of(address)

    def _inner(self, address: IPv6Address) -> IPv4Address | None:
        for prefix in self._nat64:
            if address in prefix:
                return embedded(address, prefix.prefixlen)
        return None


def embedded(address: IPv6Address, length: int) -> IPv4Address:
    """The IPv4 address behind a NAT64 prefix of `length` bits (RFC 6052 section 2.2)."""
    octets = address.packed
    at = length // 8
    skipped = octets[at:_UNUSED_OCTET] + octets[_UNUSED_OCTET + 1 :]
    return IPv4Address((skipped if at <= _UNUSED_OCTET else octets[at:])[:4])


def _kind_of(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return _first(address, NOT_PUBLIC_4)
    kind = _first(address, NOT_PUBLIC_6)
    if not kind and address not in GLOBAL_UNICAST:
        return "not assigned to anybody"
    return kind


def _wrapping_of(address: IPv6Address) -> str:
    number = int(address)
    if 1 < number < 1 << 32:
        return "IPv4 written as IPv6"
    if number >> 32 & 0xFFFF_FFFF in _ISATAP:
        return "IPv4 in an ISATAP tunnel"
    return _first(address, WRAPPED)


def _first(address: Address, table: Sequence[tuple[Network, str]]) -> str:
    return next((kind for network, kind in table if address in network), "")
