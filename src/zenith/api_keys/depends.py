"""What handlers ask for."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection

from zenith.api_keys.access import called_by_key
from zenith.api_keys.key import APIKey
from zenith.api_keys.keys import APIKeys
from zenith.api_keys.scheme import api_key_of
from zenith.authorization import mark_access
from zenith.kernel.errors import AuthenticationError
from zenith.pipeline import exchange_of


async def get_api_key(connection: HTTPConnection) -> APIKey:
    """The key that the caller proved, with those of its scopes that hold now.

    Declares that the route is for callers with an API key. Raises AuthenticationError for the
    anonymous caller and PermissionDeniedError for one who came with another credential.
    """
    exchange = exchange_of(connection.scope)
    called_by_key.ask(exchange)
    key = api_key_of(exchange)
    if key is None:
        raise AuthenticationError(reason="no API key of this application")
    return key


mark_access(get_api_key, called_by_key)

CallingKey: TypeAlias = Annotated[APIKey, Depends(get_api_key)]
"""`async def handler(key: CallingKey)`: the route admits API keys only."""


def api_keys_of(connection: HTTPConnection) -> APIKeys:
    """The application's flows of keys."""
    return exchange_of(connection.scope).service(APIKeys)
