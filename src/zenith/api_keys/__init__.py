"""API keys of people and services: scoped, expiring, kept as hashes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.api_keys.access import called_by_key, may_make_keys, may_manage_keys
from zenith.api_keys.actor import Actor
from zenith.api_keys.cursor import next_cursor, read_cursor
from zenith.api_keys.depends import CallingKey, api_keys_of, get_api_key
from zenith.api_keys.errors import APIKeyError, KeyGoneError, KeyRequestError, TooManyKeysError
from zenith.api_keys.key import APIKey
from zenith.api_keys.key_format import KEY_PATTERN, is_key
from zenith.api_keys.keys import PAGE, APIKeys, IssuedKey, KeyRequest
from zenith.api_keys.last_uses import LastUses
from zenith.api_keys.scheme import APIKeyScheme, KeyLimit, api_key_of
from zenith.api_keys.scopes import MANAGE_ALL, MANAGE_OWN
from zenith.api_keys.settings import APIKeySettings
from zenith.api_keys.store import APIKeyStore, CreateOutcome, Cursor, KeyUse, RotateOutcome
from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.api_keys.routes import api_key_router

__all__ = [
    "KEY_PATTERN",
    "MANAGE_ALL",
    "MANAGE_OWN",
    "PAGE",
    "APIKey",
    "APIKeyError",
    "APIKeyScheme",
    "APIKeySettings",
    "APIKeyStore",
    "APIKeys",
    "Actor",
    "CallingKey",
    "CreateOutcome",
    "Cursor",
    "IssuedKey",
    "KeyGoneError",
    "KeyLimit",
    "KeyRequest",
    "KeyRequestError",
    "KeyUse",
    "LastUses",
    "RotateOutcome",
    "TooManyKeysError",
    "api_key_of",
    "api_key_router",
    "api_keys_of",
    "called_by_key",
    "get_api_key",
    "is_key",
    "may_make_keys",
    "may_manage_keys",
    "next_cursor",
    "read_cursor",
]

# The models of routes are slow to make: they are for who mounts them.
__getattr__ = loader(__name__, {"api_key_router": "routes"})
