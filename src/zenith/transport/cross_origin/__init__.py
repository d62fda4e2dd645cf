"""Which pages of other origins may read what the application answers (CORS)."""

from zenith.transport.cross_origin.declaration import CorsMark, cors
from zenith.transport.cross_origin.errors import OriginRefusedError, PreflightError
from zenith.transport.cross_origin.guard import CorsGuard
from zenith.transport.cross_origin.policy import CorsPolicy
from zenith.transport.cross_origin.settings import CorsSettings

__all__ = [
    "CorsGuard",
    "CorsMark",
    "CorsPolicy",
    "CorsSettings",
    "OriginRefusedError",
    "PreflightError",
    "cors",
]
