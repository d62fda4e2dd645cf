"""Calls of other servers that cannot be turned against what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.outbound.addresses import AddressRules
from zenith.outbound.answer import OutboundAnswer
from zenith.outbound.errors import (
    AddressRefusedError,
    AnswerTooLargeError,
    CallRefusedError,
    MalformedAnswerError,
    OutboundError,
    OutboundTimeoutError,
    RedirectRefusedError,
    UnreachableError,
    UntrustedError,
)
from zenith.outbound.resolver import Resolver, SystemResolver
from zenith.outbound.settings import OutboundSettings
from zenith.outbound.shared import SharedClient

if TYPE_CHECKING:
    from zenith.outbound.client import OutboundClient
    from zenith.outbound.depends import get_outbound
    from zenith.outbound.transport import OutboundTransport

__all__ = [
    "AddressRefusedError",
    "AddressRules",
    "AnswerTooLargeError",
    "CallRefusedError",
    "MalformedAnswerError",
    "OutboundAnswer",
    "OutboundClient",
    "OutboundError",
    "OutboundSettings",
    "OutboundTimeoutError",
    "OutboundTransport",
    "RedirectRefusedError",
    "Resolver",
    "SharedClient",
    "SystemResolver",
    "UnreachableError",
    "UntrustedError",
    "get_outbound",
]

__getattr__ = loader(
    __name__,
    {"OutboundClient": "client", "OutboundTransport": "transport", "get_outbound": "depends"},
)
