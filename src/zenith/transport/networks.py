"""Which networks may call: the lists of the application, and those of one route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from zenith.kernel.errors import ConfigurationError
from zenith.kernel.network import Network, parse_address, parse_networks
from zenith.pipeline import EnforcedMark, Exchange
from zenith.transport.errors import NetworkRefusedError

Verdict: TypeAlias = Literal["allow", "deny"]
MAX_REMEMBERED: Final = 1024


class NetworkList:
    """One list of networks, and what it says of an address.

    An address that is none, such as that of a connection without one (a Unix socket), is in no list
    and may be in any, so it is refused by both kinds.
    """

    __slots__ = ("_allows", "_networks", "_remembered")

    def __init__(self, networks: Iterable[str], verdict: Verdict, *, setting: str) -> None:
        self._networks: Final = parse_networks(networks, setting=setting)
        self._allows: Final = verdict == "allow"
        self._remembered: Final[dict[str, bool]] = {}

    @property
    def networks(self) -> tuple[Network, ...]:
        """What it names."""
        return self._networks

    def admits(self, client: str) -> bool:
        """Whether a client at this address may call, as far as this list is concerned."""
        known = self._remembered.get(client)
        if known is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[client] = self._decide(client)
        return known

    def _decide(self, client: str) -> bool:
        # Mapped addresses (::ffff:10.0.0.1) come out as what they are.
        address = parse_address(client)
        if address is None:
            return False
        return any(address in network for network in self._networks) is self._allows


class NetworkMark(EnforcedMark):
    """A list of networks that is declared on a route, and that the route enforces itself too."""

    __slots__ = ("_name", "_verdict", "rules")

    def __init__(self, networks: Iterable[str], verdict: Verdict) -> None:
        super().__init__()
        self._verdict: Final = verdict
        self._name: Final = f"{verdict}_networks"
        self.rules: Final = NetworkList(networks, verdict, setting=f"{self._name}()")
        if not self.rules.networks:
            raise ConfigurationError(
                f"{self._name}() names no network", fix=f'name some: @{self._name}("10.0.0.0/8")'
            )

    async def enforce(self, exchange: Exchange) -> None:
        """Raise NetworkRefusedError for a client that the list does not admit."""
        refuse_outside((self.rules,), exchange.client)

    def is_settled(self, exchange: Exchange) -> bool:
        """Whether the list admits the client, which takes no waiting to say."""
        return self.rules.admits(exchange.client)

    def note(self) -> str:
        """Shown beside who may call."""
        only = "only from" if self._verdict == "allow" else "not from"
        return f"{only} " + ", ".join(map(str, self.rules.networks))

    def __repr__(self) -> str:
        return f"<{self._name}: " + ", ".join(map(str, self.rules.networks)) + ">"


def allow_networks(*networks: str) -> NetworkMark:
    """Only clients in these networks may call: `@allow_networks("10.0.0.0/8", "fd00::/8")`.

    Threat: an endpoint for one's own machines that the whole internet can try (ASVS 8.2.4). Works
    below the route's decorator, around an ASGI application and as `Depends(allow_networks(...))`,
    on a router too; for sockets as for requests. Decided before the body is read, by the address
    that trusted proxies vouch for. Several lists narrow each other, and those of the settings hold
    as well. It says nothing of who calls: a network is no credential. Raises ConfigurationError for
    what is no network.
    """
    return NetworkMark(networks, "allow")


def deny_networks(*networks: str) -> NetworkMark:
    """Clients in these networks may not call: `@deny_networks("192.0.2.0/24")`. As
    `allow_networks`; where both speak of an address, it is refused.
    """
    return NetworkMark(networks, "deny")


def refuse_outside(lists: Iterable[NetworkList], client: str) -> None:
    """Raise NetworkRefusedError unless every list admits the client."""
    for each in lists:
        if not each.admits(client):
            raise NetworkRefusedError(reason=f"{client} is not in the networks that may call")
