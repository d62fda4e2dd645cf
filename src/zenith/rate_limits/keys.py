"""What is counted under one key: the application's own idea of a caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import HTTPConnection

from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Exchange

KeyFunction: TypeAlias = Callable[[HTTPConnection], str]
"""Takes the request, gives the key. The body cannot be read there: it has not come yet."""


def own_key(function: KeyFunction, exchange: Exchange) -> str:
    """The key that `function` gives. `request.client` is the client that trusted proxies name.

    Raises ConfigurationError where it gives no text or an empty one: a limit whose key is missing
    would be one for everybody or for nobody.
    """
    scope = exchange.scope
    peer = scope.get("client")
    if peer is None or peer[0] != exchange.client:
        scope = {**scope, "client": (exchange.client, peer[1] if peer else 0)}
    key = function(HTTPConnection(scope))
    if type(key) is not str or not key:
        raise ConfigurationError(
            f"the key function of a rate limit returned {type(key).__name__}, or empty text",
            fix="return a text that is never empty",
        )
    return f"own:{key}"
