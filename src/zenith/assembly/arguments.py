"""Arguments of an application that no settings can make safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zenith.kernel.errors import ConfigurationError
from zenith.settings import Settings


def refuse_unsafe(settings: Settings, *, debug: bool, redoc_url: str | None) -> None:
    """Raise ConfigurationError for them."""
    if debug and settings.is_production:
        raise ConfigurationError(
            "debug=True shows source code to every visitor",
            fix="leave debug out in production",
        )
    if redoc_url is not None:
        raise ConfigurationError(
            "redoc_url asks for a page that loads its scripts from another site",
            fix="leave it out; docs_url serves the documentation from local files",
        )


def check_arguments(app: Any) -> Callable[..., None]:
    """Asks again at the start, for what is an argument may be set later too."""
    return lambda *_: refuse_unsafe(app.settings, debug=app.debug, redoc_url=app.redoc_url)
