"""What is banned: an address, a network, an account or an API key."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Literal, Self, TypeAlias

from zenith.kernel.errors import ValidationError
from zenith.kernel.network import Network, parse_address, unmapped
from zenith.kernel.records import dataclass

TargetKind: TypeAlias = Literal["address", "network", "account", "api_key"]
MAX_KEY: Final = 200
MAX_REASON: Final = 300
V4_BITS: Final = 32
SITE_BITS: Final = 64
"""An IPv6 network of this length is one client: whoever holds one address of it holds them all."""
WIDEST_V4: Final = 8
WIDEST_V6: Final = 16
"""Networks of shorter prefixes are most of the internet."""


@dataclass(frozen=True, slots=True)
class BanTarget:
    """Whom a ban is about, in one form whatever way it was written."""

    kind: TargetKind
    key: str
    """An IPv4 address or an IPv6 /64; a network in CIDR notation; the id of an account or key."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`203.0.113.7`, `2001:db8::1` (its /64), `203.0.113.0/24`, `account:ID` or `api_key:ID`.

        Raises ValidationError for anything else, and for networks wider than /8 or IPv6 /16.
        """
        text = text.strip()
        for kind in ("account", "api_key"):
            if text.startswith(f"{kind}:"):
                return cls.of_subject(kind, text.removeprefix(f"{kind}:").strip())
        try:
            network = unmapped(ip_network(text)) if "/" in text else _alone(text)
        except ValueError:
            network = None
        if network is None:
            raise ValidationError(
                "Write an address, a network such as 203.0.113.0/24 without host bits, "
                "account:ID or api_key:ID"
            )
        return cls.of_network(network)

    @classmethod
    def of_network(cls, network: Network) -> Self:
        """A network; one that is a single client is an address."""
        if isinstance(network, IPv6Network):
            if network.prefixlen >= SITE_BITS:
                return cls("address", str(_site(network.network_address)))
            widest = WIDEST_V6
        else:
            if network.prefixlen == V4_BITS:
                return cls("address", str(network.network_address))
            widest = WIDEST_V4
        if network.prefixlen < widest:
            raise ValidationError(f"A network wider than /{widest} is too much of the internet")
        return cls("network", str(network))

    @classmethod
    def of_subject(cls, kind: Literal["account", "api_key"], key: str) -> Self:
        """An account or API key by its id. Raises ValidationError for what cannot be one."""
        if not 0 < len(key) <= MAX_KEY or not key.isprintable() or " " in key:
            raise ValidationError("That is no id of an account or API key")
        return cls(kind, key)

    @classmethod
    def of_client(cls, address: str) -> Self | None:
        """The client behind an address; None where it is no address."""
        network = _alone(address)
        return None if network is None else cls.of_network(network)

    @property
    def network(self) -> Network | None:
        """What an address or network covers; None for accounts and keys."""
        return ip_network(self.key) if self.kind in ("address", "network") else None

    def covers(self, other: BanTarget) -> bool:
        """Whether a ban of this one also refuses `other`."""
        own = self.network
        return self == other if own is None else other.lies_in((own,))

    def lies_in(self, networks: Iterable[Network]) -> bool:
        """Whether one of `networks` holds all of it."""
        own = self.network
        if isinstance(own, IPv4Network):
            return any(isinstance(each, IPv4Network) and own.subnet_of(each) for each in networks)
        if isinstance(own, IPv6Network):
            return any(isinstance(each, IPv6Network) and own.subnet_of(each) for each in networks)
        return False

    def __str__(self) -> str:
        """As `parse` reads it."""
        return self.key if self.network is not None else f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """A ban as it is stored. Times are Unix times in seconds."""

    target: BanTarget
    reason: str
    """For administrators and the audit log; whoever is banned is not told."""
    made_by: str
    """Subject id of who made it, or the rule that did."""
    created_at: float
    updated_at: float
    until: float | None
    """When it ends; None: when it is lifted."""
    automatic: bool = False
    offences: int = 0
    """How many automatic bans there were in a row, this one included."""

    def holds(self, now: float) -> bool:
        """Whether it refuses at `now`."""
        return self.until is None or self.until > now


def _alone(text: str) -> Network | None:
    address = parse_address(text)
    if address is None:
        return None
    return _site(address) if isinstance(address, IPv6Address) else IPv4Network(address)


def _site(address: IPv6Address) -> IPv6Network:
    return IPv6Network((int(address) >> SITE_BITS << SITE_BITS, SITE_BITS))
