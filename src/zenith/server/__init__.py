"""What one connection may cost, and how the server comes up and goes down."""

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.server.guard import DrainGuard
from zenith.server.serving import Serving
from zenith.server.settings import ServerSettings

if TYPE_CHECKING:
    from zenith.server.h11_protocol import BoundedH11
    from zenith.server.httptools_protocol import BoundedHttpTools
    from zenith.server.websocket_protocol import BoundedWebSocket

__all__ = [
    "BoundedH11",
    "BoundedHttpTools",
    "BoundedWebSocket",
    "DrainGuard",
    "ServerSettings",
    "Serving",
]

__getattr__ = loader(
    __name__,
    {
        "BoundedH11": "h11_protocol",
        "BoundedHttpTools": "httptools_protocol",
        "BoundedWebSocket": "websocket_protocol",
    },
)
