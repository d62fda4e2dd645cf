"""The pages that show an API's documentation, for a policy that runs no inline script or style."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenith.kernel.errors import ConfigurationError

PAGE_DIRECTIVES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "default-src": ("'none'",),
        "script-src": ("'nonce'", "'strict-dynamic'"),
        "style-src": ("'self'",),
        "img-src": ("'self'", "data:"),
        "connect-src": ("'self'",),
        "object-src": ("'none'",),
        "base-uri": ("'none'",),
        "form-action": ("'none'",),
        "frame-ancestors": ("'none'",),
    }
)
"""What the pages need of a Content-Security-Policy; `'nonce'` stands for the response's nonce."""

PAGE_OPENER_POLICY: Final = "same-origin-allow-popups"
"""Cross-Origin-Opener-Policy of the documentation: its sign-in window must be able to answer."""

REDIRECT_OPENER_POLICY: Final = "unsafe-none"
"""The same for the page to which that window returns, or browsers cut it off from its opener."""

DEFAULT_OPTIONS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "layout": "BaseLayout",
        "deepLinking": True,
        "showExtensions": True,
        "showCommonExtensions": True,
    }
)

_FORCED: Final[Mapping[str, object]] = MappingProxyType(
    {"queryConfigEnabled": False, "validatorUrl": None}
)
_FORCED_WHY: Final = {
    "queryConfigEnabled": "a link could make the page show an attacker's API",
    "validatorUrl": "the API's description would be sent to another site",
}

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{assets}/swagger-ui.css">
</head>
<body>
<main id="swagger-ui" data-options="{options}"{redirect}{oauth}{csrf}>
<noscript>This page needs JavaScript. The description itself is at <a href="{url}">{url}</a>.\
</noscript>
</main>
<script{nonce} src="{assets}/swagger-ui-bundle.js"></script>
<script{nonce} src="{assets}/docs.js"></script>
</body>
</html>
"""

_REDIRECT: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Sign-in for the API documentation</title>
<link rel="icon" href="data:,">
</head>
<body>
<script{nonce} src="{assets}/oauth2-redirect.js"></script>
</body>
</html>
"""


def check_options(options: Mapping[str, object], oauth: Mapping[str, object]) -> None:
    """Refuse Swagger UI options that would open the page to others; raises ConfigurationError."""
    if "clientSecret" in oauth:
        raise ConfigurationError(
            "API documentation: clientSecret would stand in a page that visitors read",
            fix="leave it out and set usePkceWithAuthorizationCodeGrant to True",
        )
    for name, value in _FORCED.items():
        if options.get(name, value) != value:
            raise ConfigurationError(
                f"API documentation: {name} is {options[name]!r}: {_FORCED_WHY[name]}",
                fix=f"leave {name} out",
            )


def docs_page(
    *,
    title: str,
    openapi_url: str,
    asset_url: str,
    redirect_url: str | None = None,
    options: Mapping[str, object] | None = None,
    oauth: Mapping[str, object] | None = None,
    csrf: tuple[str, str] | None = None,
    nonce: str = "",
) -> str:
    """The page that shows the API described at `openapi_url`, as HTML.

    Threat: third-party scripts that see every token typed into the page, and titles or options
    that become markup. All files come from `asset_url`; options travel as data, never as code.
    `options` and `oauth` are Swagger UI's, the latter for its `initOAuth`. `csrf` is a header and
    its token, which calls to the page's own origin carry. ASVS 3.2.2, 3.6.1.
    Raises ConfigurationError as `check_options` does.
    """
    check_options(options or {}, oauth or {})
    merged = {**DEFAULT_OPTIONS, **(options or {}), **_FORCED, "url": openapi_url}
    return _PAGE.format(
        title=html.escape(title),
        assets=html.escape(asset_url),
        url=html.escape(openapi_url),
        options=html.escape(json.dumps(merged)),
        redirect=f' data-redirect="{html.escape(redirect_url)}"' if redirect_url else "",
        oauth=f' data-oauth="{html.escape(json.dumps(dict(oauth)))}"' if oauth else "",
        csrf=_csrf_attribute(csrf),
        nonce=_nonce_attribute(nonce),
    )


def redirect_page(*, asset_url: str, nonce: str = "") -> str:
    """The page to which an authorization server sends the documentation's sign-in window."""
    return _REDIRECT.format(assets=html.escape(asset_url), nonce=_nonce_attribute(nonce))


def _csrf_attribute(csrf: tuple[str, str] | None) -> str:
    if csrf is None:
        return ""
    header, token = csrf
    return f' data-csrf="{html.escape(json.dumps({"header": header, "token": token}))}"'


def _nonce_attribute(nonce: str) -> str:
    return f' nonce="{html.escape(nonce)}"' if nonce else ""
