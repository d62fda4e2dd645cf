"""The guides' headers and content security policy, less what browsers dropped."""

from __future__ import annotations

from zenith.headers import NONE, SELF, ContentSecurityPolicy, HeadersSettings

POLICY = ContentSecurityPolicy.from_directives(
    {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        # Not https: as well: an injected image could carry what it finds to any server.
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "media-src": [SELF],
        "object-src": [NONE],
        "frame-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "upgrade-insecure-requests": [],
    }
)
HEADERS = HeadersSettings(policy=POLICY)
"""The other headers of the guides are Zenith's defaults. `hsts_preload=True` is left to whoever
owns the domain: browsers' lists take months to leave."""
