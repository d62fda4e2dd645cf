"""Refusals of the transport guard."""

from __future__ import annotations

from zenith.kernel.errors import SecurityError


class MethodNotAllowedError(SecurityError):
    """The application uses no such method (ASVS 4.1.4)."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class UriTooLongError(SecurityError):
    """Path and query are longer than allowed."""

    code, status, title = "uri_too_long", 414, "Address too long"


class HeadersTooLargeError(SecurityError):
    """A header, or all of them together, is larger than allowed (RFC 6585 section 5)."""

    code, status, title = "headers_too_large", 431, "Request headers too large"


class NetworkRefusedError(SecurityError):
    """The client's network may not call this."""

    code, status, title = "network_refused", 403, "Not available from your network"


class HttpsRequiredError(SecurityError):
    """A program spoke http. It is told, not redirected: the mistake must be seen (ASVS 4.1.2)."""

    code, status, title = "https_required", 403, "HTTPS required"


class HttpsRedirectError(HttpsRequiredError):
    """A browser's navigation over http, sent on to the same address over https."""

    code, status, title = "https_redirect", 308, "Permanent redirect"
