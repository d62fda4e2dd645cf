"""One's own account: its end, and a copy of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.accounts.client import Client
from zenith.accounts.depends import CurrentUser, account_services
from zenith.accounts.factors import in_person
from zenith.headers.site_data import clear_site_data
from zenith.pipeline import exchange_of
from zenith.sessions import SessionSettings, clear_cookie, session_of

ATTACHMENT = 'attachment; filename="account.json"'


class CurrentPassword(BaseModel):
    """The present password, as a proof; empty for an account without one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    current_password: Annotated[str, Field(max_length=1024)] = ""


def add_account_routes(router: APIRouter) -> None:
    """Add them."""
    router.add_api_route("/account", delete_account, methods=["DELETE"], status_code=204)
    router.add_api_route("/account/export", export_account, methods=["GET"])


@in_person
async def delete_account(body: CurrentPassword, request: Request, response: Response) -> None:
    """Delete one's own account and everything that belongs to it. This cannot be undone."""
    exchange = exchange_of(request.scope)
    await account_services(request).deletion.delete(
        exchange.principal, body.current_password, client=Client.of(exchange)
    )
    clear_site_data(exchange, response)
    if session_of(exchange) is not None:
        response.headers.append("set-cookie", clear_cookie(exchange.service(SessionSettings)))


@in_person
async def export_account(request: Request, response: Response, user: CurrentUser) -> dict[str, Any]:
    """What is kept about one's own account: the account, its sessions, its events."""
    client = Client.of(exchange_of(request.scope))
    response.headers["Content-Disposition"] = ATTACHMENT
    response.headers["Cache-Control"] = "no-store"
    return await account_services(request).export.of(user.account, user.principal, client=client)
