"""Short names for places, so that owners recognise their sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from zenith.kernel.network import parse_address

THIS_COMPUTER: Final = "this computer"
THIS_NETWORK: Final = "this network"
MAX_LENGTH: Final = 80

PlaceLookup: TypeAlias = Callable[[str], str]
"""City and country of a public address, from memory or a local file; empty if unknown."""


class PlaceNames:
    """Names where an address is, without asking anybody.

    Threat: a list of sign-ins that its owner cannot read, so that a thief's stays (ASVS 7.5.2);
    and a service elsewhere that learns who signs in from where. It is a hint for people: addresses
    are shared, and data about them are old. No decision may rest on it.
    """

    def __init__(self, lookup: PlaceLookup | None = None) -> None:
        self._lookup: Final = lookup

    def describe(self, address: str) -> str:
        """Such as `Lyon, France`; empty for what is not known or no address."""
        parsed = parse_address(address)
        if parsed is None or parsed.is_unspecified or parsed.is_multicast:
            return ""
        if parsed.is_loopback:
            return THIS_COMPUTER
        if parsed.is_private:
            return THIS_NETWORK
        if self._lookup is None or not parsed.is_global:
            return ""
        name = self._lookup(str(parsed))[:MAX_LENGTH]
        return name if name.isprintable() else ""
