"""Sessions bound to the device and network where they began."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network
from typing import Final, Protocol

from zenith.kernel.network import parse_address
from zenith.pipeline.exchange import Exchange
from zenith.sessions.device import UNKNOWN, describe_device
from zenith.sessions.settings import Binding
from zenith.sessions.store import SessionRecord
from zenith.sessions.text import address_text, agent_text

IPV4_BITS: Final = 24
IPV6_BITS: Final = 48
"""How much of an address is its network: what providers give out and announce as one."""


class DeviceBinding:
    """Tells whether a session is used where it began.

    Threat: a cookie or refresh token that was copied to another machine (RFC 9700 section 2.2.2).
    It is a tripwire and no proof: a thief who copies the browser's name too, in the same network,
    is not seen. Nor is every change a theft: phones change networks, and people the disguise of
    their browser. Hence it is off unless asked for.

    The usual case, nothing changed, costs a comparison of texts.
    """

    __slots__ = ("_agent", "_network")

    def __init__(self, binding: Binding) -> None:
        self._agent: Final = binding in ("user_agent", "both")
        self._network: Final = binding in ("network", "both")

    def breach(self, record: SessionRecord, *, address: str, user_agent: str) -> str:
        """What differs: `user_agent`, `network`, or nothing."""
        if self._agent and user_agent != record.user_agent:
            seen = agent_text(user_agent)
            if seen != record.user_agent and family_of(seen) != family_of(record.user_agent):
                return "user_agent"
        if self._network and address != record.address:
            seen = address_text(address)
            if seen != record.address and network_of(seen) != network_of(record.address):
                return "network"
        return ""


class SessionWatch(Protocol):
    """Ends what is used elsewhere."""

    def breach(self, record: SessionRecord, exchange: Exchange) -> str:
        """What differs from where the session began; empty if nothing does."""
        ...

    async def end(self, record: SessionRecord, breach: str, exchange: Exchange) -> None:
        """End the session, record it, and tell the owner."""
        ...


def family_of(user_agent: str) -> str:
    """Browser and system without their versions, so that updates change nothing."""
    name = describe_device(user_agent)
    return name if name != UNKNOWN else user_agent.partition("/")[0]


def network_of(address: str) -> str:
    """The /24 of an IPv4 address, the /48 of an IPv6 one; other text is a network of its own."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    bits = IPV4_BITS if isinstance(parsed, IPv4Address) else IPV6_BITS
    return str(ip_network((parsed, bits), strict=False))
