"""The nonce for templates and handlers."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection

from zenith.pipeline import Exchange, exchange_of, running_exchange


def csp_nonce(source: Exchange | HTTPConnection | None = None) -> str:
    """The nonce of this response: scripts and styles that carry it run, injected ones do not.

    Without `source` it is that of the request that is being answered, so that templates can call
    it: `templates.env.globals["csp_nonce"] = csp_nonce`, then `<script nonce="{{ csp_nonce() }}">`.
    The policy of a response for which nobody asked names no nonce, and runs no script at all.
    Raises ConfigurationError outside of the pipeline.
    """
    if source is None:
        return running_exchange().nonce
    return (source if isinstance(source, Exchange) else exchange_of(source.scope)).nonce


async def _nonce(connection: HTTPConnection) -> str:
    return csp_nonce(connection)


CspNonce: TypeAlias = Annotated[str, Depends(_nonce)]
"""Parameter of a handler: `async def page(nonce: CspNonce)`."""
