"""What takes events outside of this application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zenith.kernel.events import Event


class Receiver(Protocol):
    """One place that events are sent to."""

    @property
    def name(self) -> str:
        """What operators call it, such as `syslog tls://logs.example.org:6514`; no secret."""
        ...

    async def deliver(self, events: Sequence[Event]) -> None:
        """Send redacted events, in order, and return once they are taken. Raises DeliveryError."""
        ...

    async def close(self) -> None:
        """Let go of connections; another delivery opens new ones."""
        ...
