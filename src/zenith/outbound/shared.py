"""The application's one client, made when it is first asked for: httpx is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zenith.kernel.events import EventSink
from zenith.outbound.settings import OutboundSettings

if TYPE_CHECKING:
    from zenith.outbound.client import OutboundClient


class SharedClient:
    """Holds the client for as long as the application runs; the end closes its connections."""

    def __init__(self, settings: OutboundSettings, events: EventSink) -> None:
        self._settings: Final = settings
        self._events: Final = events
        self._client: OutboundClient | None = None

    @property
    def client(self) -> OutboundClient:
        """The client; raises ConfigurationError where httpx is missing."""
        if self._client is None:
            from zenith.outbound.client import OutboundClient  # noqa: PLC0415  # an extra

            self._client = OutboundClient(self._settings, events=self._events)
        return self._client

    async def start(self) -> None:
        """Nothing: connections open with the first call."""

    async def stop(self) -> None:
        """Close the connections; another call opens new ones."""
        if self._client is not None:
            await self._client.aclose()
