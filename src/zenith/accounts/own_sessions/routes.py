"""One's own sign-ins: where they are, their end, and the step-up within one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.accounts.client import Client
from zenith.accounts.depends import account_services
from zenith.accounts.devices import device_cookie_name
from zenith.accounts.factors import authenticated_to_enrol, in_person
from zenith.accounts.step_up import MAX_PROOF
from zenith.kernel.errors import NotFoundError
from zenith.pipeline import exchange_of
from zenith.sessions import (
    MAX_NAME,
    SessionSettings,
    describe_device,
    renewed_cookie,
    session_of,
)

NO_STORE = "no-store"


class SessionItem(BaseModel):
    """One sign-in."""

    id: str
    kind: str
    name: str
    device: str
    address: str
    place: str
    created_at: float
    last_seen_at: float
    expires_at: float
    remembered: bool
    current: bool


class SessionName(BaseModel):
    """What the owner calls a sign-in."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=MAX_NAME, examples=["Kitchen tablet"])]


class Proof(BaseModel):
    """A factor, and what proves it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    factor: Annotated[str, Field(max_length=32, examples=["password"])] = "password"
    proof: Annotated[str, Field(max_length=MAX_PROOF)]


class ConfirmedResponse(BaseModel):
    """The factor and when it was proven; for programs a new access token too."""

    factor: str
    proven_at: float
    access_token: str | None = None
    token_type: str | None = None
    expires_in: int | None = None


def add_session_routes(router: APIRouter) -> None:
    """Add the routes about the caller's own sign-ins."""
    router.add_api_route("/sessions", sessions, methods=["GET"])
    router.add_api_route("/sessions/{session_id}", end_session, methods=["DELETE"], status_code=204)
    router.add_api_route("/sessions/{session_id}", name_session, methods=["PATCH"], status_code=204)
    router.add_api_route("/confirm", confirm, methods=["POST"])


@in_person
async def sessions(request: Request) -> list[SessionItem]:
    """Where the account is signed in."""
    principal = exchange_of(request.scope).principal
    services = account_services(request)
    records = await services.sessions.list(principal.subject)
    return [
        SessionItem(
            id=record.id,
            kind=record.kind,
            name=record.name,
            device=describe_device(record.user_agent),
            address=record.address,
            place=services.places.describe(record.address),
            created_at=record.created_at,
            last_seen_at=record.last_seen_at,
            expires_at=record.expires_at,
            remembered=record.remembered,
            current=record.id == principal.session_id,
        )
        for record in records
    ]


@in_person
async def name_session(session_id: str, body: SessionName, request: Request) -> None:
    """Name one of the account's own sign-ins; an empty name takes the name back."""
    principal = exchange_of(request.scope).principal
    renamed = await account_services(request).sessions.rename(
        session_id, body.name, account_id=principal.subject
    )
    if not renamed:
        raise NotFoundError


@in_person
async def end_session(session_id: str, request: Request) -> None:
    """End one of the account's own sign-ins."""
    exchange = exchange_of(request.scope)
    ended = await account_services(request).sign_in.end_session(
        exchange.principal, session_id, client=Client.of(exchange)
    )
    if not ended:
        raise NotFoundError


@authenticated_to_enrol
async def confirm(body: Proof, request: Request, response: Response) -> ConfirmedResponse:
    """Prove a factor again (step-up). A browser gets a new session cookie, a program a new access
    token; what came along is worth no more than before.
    """
    exchange = exchange_of(request.scope)
    settings = exchange.service(SessionSettings)
    client = Client.of(exchange, device_cookie=device_cookie_name(secure=settings.secure_cookies))
    confirmed = await account_services(request).step_up.confirm(
        exchange.principal,
        body.factor,
        body.proof,
        client=client,
        session=session_of(exchange),
    )
    response.headers["Cache-Control"] = NO_STORE
    cookie = renewed_cookie((confirmed.session, confirmed.cookie), settings)
    if cookie is not None:
        response.headers.append("set-cookie", cookie)
    access = confirmed.access
    return ConfirmedResponse(
        factor=confirmed.factor,
        proven_at=confirmed.proven_at,
        access_token=None if access is None else access.token,
        token_type=None if access is None else access.token_type,
        expires_in=None if access is None else access.expires_in,
    )
