"""Refusals of versions."""

from __future__ import annotations

from collections.abc import Iterable

from zenith.kernel.errors import SecurityError


class UnknownVersionError(SecurityError):
    """The path names a version that there is not."""

    code, status, title = "unknown_version", 404, "Unknown API version"


class VersionRequiredError(SecurityError):
    """The header names no version, one that there is not, or another one than the path."""

    code, status, title = "version_required", 400, "API version missing or unknown"


class VersionNotAcceptableError(SecurityError):
    """Accept asks for no version that there is (RFC 9110 section 12.5.1)."""

    code, status, title = "version_not_acceptable", 406, "No such API version to accept"


class VersionEndedError(SecurityError):
    """What was asked for has ended, as its Sunset header had said (RFC 8594)."""

    code, status, title = "version_ended", 410, "This API version has ended"


def among(error: SecurityError, versions: Iterable[str]) -> SecurityError:
    """The error, with the versions that there are."""
    error.extensions = {"versions": list(versions)}
    return error
