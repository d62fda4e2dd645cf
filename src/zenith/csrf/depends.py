"""Tokens for templates and handlers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from zenith.csrf.guard import CsrfGuard
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Exchange, exchange_of


def csrf_token(source: Exchange | HTTPConnection) -> str:
    """A token for the page that answers this request: for a form's field or a script's header.

    Asking for one marks the response as not to be cached, and sets a cookie where nobody is
    signed in. Raises ConfigurationError where no CsrfGuard runs: the token would protect nothing.
    """
    exchange = source if isinstance(source, Exchange) else exchange_of(source.scope)
    guard = exchange.state.get(CsrfGuard)
    if not isinstance(guard, CsrfGuard):
        raise ConfigurationError(
            "a CSRF token was asked for, but no CsrfGuard runs",
            fix="add CsrfGuard(...) to the guards, or leave the csrf settings on",
        )
    return guard.issue(exchange)


async def _token(connection: HTTPConnection) -> str:
    return csrf_token(connection)


CsrfToken = Annotated[str, Depends(_token)]
"""Parameter of a handler: `async def form(token: CsrfToken)`."""
