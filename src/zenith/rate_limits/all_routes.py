"""The limits of all routes."""

from __future__ import annotations

from typing import Final

from zenith.kernel.network import parse_address, parse_networks
from zenith.rate_limits.keys import IPV4_BITS, network_key
from zenith.rate_limits.limit import Limit, parse_limits
from zenith.rate_limits.settings import RateLimitSettings
from zenith.rate_limits.store import Hit, hits_of

CLIENT_BITS: Final = 64


class _NoLimits(tuple[Limit, ...]):
    """Told apart from an empty tuple, of which there is one in the whole process."""

    __slots__ = ()


NO_LIMITS: Final[tuple[Limit, ...]] = _NoLimits()
"""Of a route that takes itself out of the limits of all routes."""


def common_limits(settings: RateLimitSettings, limits: str | None, name: str) -> tuple[Limit, ...]:
    if limits is None:
        return ()
    return parse_limits(limits, strategy=settings.strategy, name=f"all:{name}", label=name)


class CommonHits:
    """What the limits of all routes are besides one for each address as it is."""

    __slots__ = ("_exempt", "_prefixes", "_wide", "_wide_prefixes")

    def __init__(self, settings: RateLimitSettings) -> None:
        self._exempt: Final = parse_networks(settings.exempt_networks, setting="exempt_networks")
        self._prefixes: Final = (IPV4_BITS, settings.address_prefix)
        self._wide: Final = common_limits(settings, settings.per_network, "network")
        self._wide_prefixes: Final = settings.network_prefixes

    @classmethod
    def of(cls, settings: RateLimitSettings) -> CommonHits | None:
        """None where there is nothing of the kind, which costs nothing then."""
        is_usual = settings.address_prefix == CLIENT_BITS
        nothing = not settings.exempt_networks and settings.per_network is None
        return None if nothing and is_usual else cls(settings)

    def hits(self, address: str, limits: tuple[Limit, ...]) -> list[Hit]:
        """What all routes charge a client; nothing where they charge nothing."""
        if limits is NO_LIMITS or self._is_exempt(address):
            return []
        return [
            *hits_of(limits, network_key(address, self._prefixes)),
            *hits_of(self._wide, network_key(address, self._wide_prefixes)),
        ]

    def _is_exempt(self, address: str) -> bool:
        if not self._exempt:
            return False
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._exempt)
