"""Versions of an API: which one a request asks for, how old it is, and when it ends."""

from zenith.transport.versions.errors import (
    UnknownVersionError,
    VersionEndedError,
    VersionNotAcceptableError,
    VersionRequiredError,
)
from zenith.transport.versions.guard import ApiVersions
from zenith.transport.versions.lifecycle import DeprecationMark, Lifecycle, deprecated
from zenith.transport.versions.version import ApiVersion, Place

__all__ = [
    "ApiVersion",
    "ApiVersions",
    "DeprecationMark",
    "Lifecycle",
    "Place",
    "UnknownVersionError",
    "VersionEndedError",
    "VersionNotAcceptableError",
    "VersionRequiredError",
    "deprecated",
]
