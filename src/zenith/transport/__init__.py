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
from zenith.transport.versions import (
    ApiVersion,
    ApiVersions,
    DeprecationMark,
    Lifecycle,
    UnknownVersionError,
    VersionEndedError,
    VersionNotAcceptableError,
    VersionRequiredError,
    deprecated,
)

__all__ = [
    "DEVELOPMENT_HOSTS",
    "ApiVersion",
    "ApiVersions",
    "BodyLimit",
    "CorsGuard",
    "CorsMark",
    "CorsPolicy",
    "CorsSettings",
    "DeprecationMark",
    "HeadersTooLargeError",
    "HttpsRedirectError",
    "HttpsRequiredError",
    "Lifecycle",
    "MethodNotAllowedError",
    "NetworkList",
    "NetworkMark",
    "NetworkRefusedError",
    "OriginRefusedError",
    "PreflightError",
    "TimeLimit",
    "TransportGuard",
    "TransportSettings",
    "UnknownVersionError",
    "UriTooLongError",
    "VersionEndedError",
    "VersionNotAcceptableError",
    "VersionRequiredError",
    "allow_networks",
    "body_limit",
    "cors",
    "deny_networks",
    "deprecated",
    "time_limit",
]
