"""What a key may do: what its scopes and its owner's permissions have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from zenith.api_keys.errors import KeyRequestError
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.permissions import Permissions, check_permission

MANAGE_OWN: Final = "api_keys:write"
"""The scope with which a key, or a narrowed token, may make, rotate and revoke keys of its owner.
Everybody may give it."""
MANAGE_ALL: Final = "api_keys:manage"
"""The permission of administrators: everybody's keys, and keys of services."""
MAX_SCOPES: Final = 50
MAX_LENGTH: Final = 100


def read_scopes(texts: Iterable[str]) -> tuple[str, ...]:
    """Well-formed scopes, sorted, each once. Raises KeyRequestError."""
    scopes = sorted(set(texts))
    if len(scopes) > MAX_SCOPES:
        raise KeyRequestError("scopes", f"A key has at most {MAX_SCOPES} scopes")
    for scope in scopes:
        if len(scope) > MAX_LENGTH or not _is_pattern(scope):
            raise KeyRequestError(
                "scopes", "Write scopes as words joined by colons, such as read:data"
            )
    return tuple(scopes)


def holding(scopes: Iterable[str], held: Permissions, free: Collection[str]) -> tuple[str, ...]:
    """The scopes that hold for an owner with these permissions; `free` ones hold for everybody."""
    return tuple(
        scope for scope in scopes if scope in free or scope == MANAGE_OWN or held.covers(scope)
    )


def _is_pattern(text: str) -> bool:
    try:
        check_permission(text, pattern=True)
    except ConfigurationError:
        return False
    return True
