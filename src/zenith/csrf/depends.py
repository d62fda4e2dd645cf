"""Tokens for templates and handlers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from markupsafe import Markup
from starlette.requests import HTTPConnection

from zenith.csrf.guard import CsrfGuard
from zenith.kernel.errors import ConfigurationError
from zenith.pipeline import Exchange, exchange_of, running_exchange


def csrf_token(source: Exchange | HTTPConnection | None = None) -> str:
    """A token for the page that answers this request: for a form's field or a script's header.

    Without `source` it is the request that is being answered, so that templates can call it:
    `templates.env.globals.update(csrf_token=csrf_token, csrf_field=csrf_field)`. Asking for one
    marks the response as not to be cached, and sets a cookie where nobody is signed in. Raises
    ConfigurationError where no CsrfGuard runs: the token would protect nothing.
    """
    exchange, guard = _protected(source)
    return guard.issue(exchange)


def csrf_field(source: Exchange | HTTPConnection | None = None) -> Markup:
    """A form's hidden field with a token in it; for templates.

    As for `csrf_token`. The name is that of the settings.
    """
    exchange, guard = _protected(source)
    # Both are of letters, digits, `-` and `_`; escaped all the same.
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        guard.settings.field_name, guard.issue(exchange)
    )


def _protected(source: Exchange | HTTPConnection | None) -> tuple[Exchange, CsrfGuard]:
    if source is None:
        exchange = running_exchange()
    else:
        exchange = source if isinstance(source, Exchange) else exchange_of(source.scope)
    guard = exchange.state.get(CsrfGuard)
    if not isinstance(guard, CsrfGuard):
        raise ConfigurationError(
            "a CSRF token was asked for, but no CsrfGuard runs",
            fix="add CsrfGuard(...) to the guards, or leave the csrf settings on",
        )
    return exchange, guard


async def _token(connection: HTTPConnection) -> str:
    return csrf_token(connection)


CsrfToken = Annotated[str, Depends(_token)]
"""Parameter of a handler: `async def form(token: CsrfToken)`."""
