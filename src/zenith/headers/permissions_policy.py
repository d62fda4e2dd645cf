"""Permissions-Policy: which of the browser's powers a page and its frames may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from zenith.kernel.errors import ConfigurationError

Features: TypeAlias = Mapping[str, tuple[str, ...]]
EVERYONE: Final = "*"

DENIED_FEATURES: Final[Features] = MappingProxyType(
    dict.fromkeys(
        (
            "accelerometer",
            "browsing-topics",
            "camera",
            "clipboard-read",
            "display-capture",
            "geolocation",
            "gyroscope",
            "hid",
            "idle-detection",
            "keyboard-map",
            "local-fonts",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "screen-wake-lock",
            "serial",
            "usb",
            "window-management",
            "xr-spatial-tracking",
        ),
        (),
    )
)
"""Powers that few applications need, denied to the page itself too. All are names that browsers
know today: an unknown one would fill their consoles with warnings."""

_FEATURE: Final = re.compile(r"[a-z][a-z0-9-]*")
_ORIGIN: Final = re.compile(
    r"https://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]{1,5})?"
    r"|http://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?"
)


def merge_features(features: Features) -> Features:
    """The default denials, changed by `features`; raises ConfigurationError for bad syntax.

    A value lists who may use the feature: `"self"`, https origins, or `"*"` alone; `()` is nobody.
    """
    merged = {**DENIED_FEATURES, **{name: tuple(allowed) for name, allowed in features.items()}}
    for name, allowed in merged.items():
        if not _FEATURE.fullmatch(name):
            raise ConfigurationError(
                f"permissions policy: {name!r} is no feature",
                fix="write names in lower case, such as geolocation",
            )
        if isinstance(features.get(name), str):
            raise ConfigurationError(
                f"permissions policy: {name} is text where a list is needed",
                fix='write ("self",)',
            )
        if EVERYONE in allowed and (name in DENIED_FEATURES or len(allowed) > 1):
            raise ConfigurationError(
                f"permissions policy: {name} is granted to everyone",
                fix="list the origins that need it",
            )
        for origin in allowed:
            if origin not in ("self", EVERYONE) and not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    f"permissions policy: {origin!r} may not be granted {name}",
                    fix='write "self" or an origin such as https://maps.example.com',
                )
    return MappingProxyType(merged)


def render_features(features: Features) -> str:
    """The header's value: a structured dictionary (RFC 9651 section 3.2)."""
    return ", ".join(f"{name}={_allowed(allowed)}" for name, allowed in features.items())


def _allowed(allowed: tuple[str, ...]) -> str:
    if allowed == (EVERYONE,):
        return EVERYONE
    return "(" + " ".join(who if who == "self" else f'"{who}"' for who in allowed) + ")"
