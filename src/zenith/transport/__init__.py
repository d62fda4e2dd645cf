"""The door: hosts, proxies, the request firewall, limits of size and time (ASVS 4.1, 4.2)."""

from zenith.transport.cross_origin import (
    CorsGuard,
    CorsMark,
    CorsPolicy,
    CorsSettings,
    OriginRefusedError,
    PreflightError,
    cors,
)
from zenith.transport.errors import (
    HeadersTooLargeError,
    HttpsRedirectError,
    HttpsRequiredError,
    MethodNotAllowedError,
    NetworkRefusedError,
    UriTooLongError,
)
from zenith.transport.guard import TransportGuard
from zenith.transport.limits import BodyLimit, TimeLimit, body_limit, time_limit
from zenith.transport.networks import NetworkList, NetworkMark, allow_networks, deny_networks
from zenith.transport.settings import DEVELOPMENT_HOSTS, TransportSettings

__all__ = [
    "DEVELOPMENT_HOSTS",
    "BodyLimit",
    "CorsGuard",
    "CorsMark",
    "CorsPolicy",
    "CorsSettings",
    "HeadersTooLargeError",
    "HttpsRedirectError",
    "HttpsRequiredError",
    "MethodNotAllowedError",
    "NetworkList",
    "NetworkMark",
    "NetworkRefusedError",
    "OriginRefusedError",
    "PreflightError",
    "TimeLimit",
    "TransportGuard",
    "TransportSettings",
    "UriTooLongError",
    "allow_networks",
    "body_limit",
    "cors",
    "deny_networks",
    "time_limit",
]
