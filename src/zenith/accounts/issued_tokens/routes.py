"""`POST /auth/introspect` and `POST /auth/revoke`, as forms, which is what the standards say."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zenith.accounts.client import Client
from zenith.accounts.issued_tokens.issued_tokens import IssuedTokens
from zenith.authorization import public, require_everywhere
from zenith.kernel.network import client_key
from zenith.pipeline import exchange_of
from zenith.rate_limits import RateLimiter
from zenith.tokens import prove_key

INTROSPECT: Final = "tokens:introspect"
"""The permission, or an API key's scope, that asking about tokens needs (RFC 7662 section 2.1)."""
MAX_TOKEN: Final = 8192
REVOCATIONS: Final = "60/minute"
"""How often one address may revoke; each takes a look into the database."""
NO_STORE: Final = {"Cache-Control": "no-store"}


class PresentedToken(BaseModel):
    """A token and, if the sender likes, what kind it is."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    token: Annotated[str, Field(max_length=MAX_TOKEN)]
    token_type_hint: Annotated[str, Field(max_length=64)] = ""


class Introspection(BaseModel):
    """RFC 7662 section 2.2."""

    active: bool
    token_type: str | None = None
    iss: str | None = None
    aud: str | list[str] | None = None
    sub: str | None = None
    exp: float | None = None
    iat: float | None = None
    jti: str | None = None
    sid: str | None = None
    client_id: str | None = None
    scope: str | None = None
    tenant: str | None = None
    cnf: dict[str, Any] | None = None


def add_token_routes(router: APIRouter) -> None:
    """Mount introspection and revocation."""
    router.add_api_route(
        "/introspect", introspect, methods=["POST"], responses={200: {"model": Introspection}}
    )
    router.add_api_route("/revoke", revoke, methods=["POST"], response_class=Response)


@require_everywhere(INTROSPECT)
async def introspect(form: Annotated[PresentedToken, Form()], request: Request) -> JSONResponse:
    """Whether a token is active, for services that cannot verify it by themselves."""
    exchange = exchange_of(request.scope)
    found = await exchange.service(IssuedTokens).introspect(form.token)
    return JSONResponse(found, headers=NO_STORE)


@public
async def revoke(form: Annotated[PresentedToken, Form()], request: Request) -> Response:
    """End a token that was lost or is not needed any more. Who holds it may end it; the answer is
    the same for a token that was never issued.
    """
    exchange = exchange_of(request.scope)
    keys = {"address": client_key(exchange.client)}
    await exchange.service(RateLimiter).require("revoke", keys=keys, limits=REVOCATIONS)
    await prove_key(exchange)
    await exchange.service(IssuedTokens).revoke(form.token, client=Client.of(exchange))
    return Response(headers=NO_STORE)
