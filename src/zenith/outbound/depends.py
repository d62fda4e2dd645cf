"""What handlers ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Request

from zenith.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from zenith.outbound.client import OutboundClient


async def get_outbound(request: Request) -> OutboundClient:
    """The application's client for calls of other servers: `Depends(get_outbound)`.

    Raises ConfigurationError on an application without one: `Zenith` has one, on others set
    `app.state.outbound = OutboundClient(...)` and close it at the end.
    """
    app: Any = request.app
    found: OutboundClient | None = getattr(app, "outbound", None)
    found = found or getattr(app.state, "outbound", None)
    if found is None:
        raise ConfigurationError(
            "the application has no client for calls of other servers",
            fix="use Zenith(), or set app.state.outbound = OutboundClient(settings)",
        )
    return found
