"""How preflights are answered."""

from __future__ import annotations

from zenith.kernel.errors import SecurityError


class PreflightError(SecurityError):
    """Ends a preflight before the application: it is a browser's question, and this its answer."""

    code, status, title = "cors_preflight", 204, "No content"


class OriginRefusedError(SecurityError):
    """A preflight from an origin whose pages may not call."""

    code, status, title = "origin_refused", 403, "Origin not allowed"
