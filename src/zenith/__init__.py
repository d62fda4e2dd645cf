"""Zenith: the security layer for async Python web applications.

Names are loaded when they are first asked for: a part that is used alone does not pay for the
application, and `import zenith` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import Depends, Form, Header, HTTPException, Request

    from zenith.accounts import CurrentUser, get_current_user
    from zenith.api_keys import get_api_key
    from zenith.app import Zenith
    from zenith.authorization import (
        authenticated,
        public,
        require_factor,
        require_permission,
        require_policy,
        require_role,
        require_scope,
    )
    from zenith.kernel.errors import (
        AuthenticationError,
        PermissionDeniedError,
        RateLimitError,
        ValidationError,
    )
    from zenith.pipeline import SecurityMiddleware
    from zenith.query import ZenithModel, get_session
    from zenith.rate_limits import rate_limit
    from zenith.settings import Settings

__all__ = [
    "AuthenticationError",
    "CurrentUser",
    "Depends",
    "Form",
    "HTTPException",
    "Header",
    "PermissionDeniedError",
    "RateLimitError",
    "Request",
    "SecurityMiddleware",
    "Settings",
    "ValidationError",
    "Zenith",
    "ZenithModel",
    "authenticated",
    "get_api_key",
    "get_current_user",
    "get_session",
    "public",
    "rate_limit",
    "require_factor",
    "require_permission",
    "require_policy",
    "require_role",
    "require_scope",
]


def __getattr__(name: str) -> object:
    from zenith.kernel.lazy import load  # noqa: PLC0415  # only where a name is asked for

    homes = {
        "fastapi": ("Depends", "Form", "HTTPException", "Header", "Request"),
        "zenith.accounts": ("CurrentUser", "get_current_user"),
        "zenith.api_keys": ("get_api_key",),
        "zenith.app": ("Zenith",),
        "zenith.authorization": (
            "authenticated",
            "public",
            "require_factor",
            "require_permission",
            "require_policy",
            "require_role",
            "require_scope",
        ),
        "zenith.kernel.errors": (
            "AuthenticationError",
            "PermissionDeniedError",
            "RateLimitError",
            "ValidationError",
        ),
        "zenith.pipeline": ("SecurityMiddleware",),
        "zenith.query": ("ZenithModel", "get_session"),
        "zenith.rate_limits": ("rate_limit",),
        "zenith.settings": ("Settings",),
    }
    for module, names in homes.items():
        if name in names:
            found: object = getattr(load(module), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module 'zenith' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
