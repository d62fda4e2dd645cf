"""The JSON API of keys, as `app.add_auth()` mounts it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from zenith.api_keys.access import may_make_keys, may_manage_keys
from zenith.api_keys.actor import Actor
from zenith.api_keys.cursor import next_cursor, read_cursor
from zenith.api_keys.depends import api_keys_of
from zenith.api_keys.errors import KeyRequestError
from zenith.api_keys.key import APIKey
from zenith.api_keys.keys import MAX_NAME, PAGE, IssuedKey, KeyRequest
from zenith.api_keys.scopes import MANAGE_ALL
from zenith.authorization import SecuredRoute, require_everywhere
from zenith.kernel.errors import PermissionDeniedError
from zenith.pipeline import exchange_of

NO_STORE = "no-store"
MAX_NUMBER = 10**10
Seconds = Annotated[int, Field(ge=0, le=MAX_NUMBER)]


class NewKey(BaseModel):
    """What a new key shall be."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(max_length=MAX_NAME, examples=["nightly export"])]
    scopes: Annotated[
        list[Annotated[str, Field(max_length=100)]],
        Field(max_length=50, examples=[["posts:read"]]),
    ] = []
    expires_in: Seconds | None = None
    """Seconds; the settings' default where it is left out."""
    rate_limit: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """Requests per hour; as many as the settings allow where it is left out."""
    thumbprint: Annotated[str, Field(max_length=100)] | None = None
    """RFC 7638 thumbprint (SHA-256) of the public key that each use must prove (RFC 9449)."""
    tenant: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Where it acts; outside of all tenants where it is left out."""
    service: bool = False
    """A key without an owner; for administrators."""


class KeyRotation(BaseModel):
    """How a key changes over."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    overlap: Seconds | None = None
    """Seconds for which the old key still works; the settings' where it is left out."""


USUAL: Final = KeyRotation()


class KeyItem(BaseModel):
    """A key, without the key itself."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    owner_id: str | None
    rate_limit: int | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    replaced_by: str | None
    last_used_at: float | None
    last_used_address: str
    thumbprint: str | None
    tenant: str | None


class KeyWithSecret(KeyItem):
    """A new key. `key` is in this answer and nowhere else."""

    key: str


class KeyPage(BaseModel):
    """A page of everybody's keys; `after` asks for the next one."""

    keys: list[KeyItem]
    after: str | None


def api_key_router(*, prefix: str = "/auth") -> APIRouter:
    """Routes to make, list, rotate and revoke keys, below `prefix`."""
    router = APIRouter(prefix=f"{prefix}/api-keys", tags=["API keys"], route_class=SecuredRoute)
    router.add_api_route("", create, methods=["POST"], status_code=201)
    router.add_api_route("", own, methods=["GET"])
    router.add_api_route("/all", everybodys, methods=["GET"])
    router.add_api_route("/{key_id}/rotate", rotate, methods=["POST"], status_code=201)
    router.add_api_route("/{key_id}", revoke, methods=["DELETE"], status_code=204)
    return router


@may_make_keys
async def create(body: NewKey, request: Request, response: Response) -> KeyWithSecret:
    """Make a key. It is in this answer and cannot be shown again."""
    actor = Actor.of(exchange_of(request.scope))
    if actor.owner_id is None and not body.service:
        raise KeyRequestError("service", "A caller without an account makes keys of services only")
    wanted = KeyRequest(
        name=body.name,
        scopes=body.scopes,
        lifetime=body.expires_in,
        rate_limit=body.rate_limit,
        owner_id=None if body.service else actor.owner_id,
        thumbprint=body.thumbprint,
        tenant=body.tenant,
    )
    return _with_secret(await api_keys_of(request).issue(actor, wanted), response)


@may_manage_keys
async def own(request: Request) -> list[KeyItem]:
    """The account's keys, the newest first; dead ones for thirty days."""
    actor = Actor.of(exchange_of(request.scope))
    if actor.owner_id is None:
        raise PermissionDeniedError("This key belongs to no account")
    return [_item(key) for key in await api_keys_of(request).own(actor)]


@may_manage_keys
@require_everywhere(MANAGE_ALL)
async def everybodys(
    request: Request, after: Annotated[str, Query(max_length=100)] = ""
) -> KeyPage:
    """Everybody's keys, the newest first, for administrators."""
    actor = Actor.of(exchange_of(request.scope))
    found = await api_keys_of(request).page(actor, after=read_cursor(after))
    return KeyPage(keys=[_item(key) for key in found[:PAGE]], after=next_cursor(found, PAGE))


@may_make_keys
async def rotate(
    key_id: str, request: Request, response: Response, body: KeyRotation = USUAL
) -> KeyWithSecret:
    """Make a key's successor; the old one works on for the overlap."""
    actor = Actor.of(exchange_of(request.scope))
    issued = await api_keys_of(request).rotate(actor, key_id, overlap=body.overlap)
    return _with_secret(issued, response)


@may_manage_keys
async def revoke(key_id: str, request: Request) -> None:
    """End a key at once."""
    await api_keys_of(request).revoke(Actor.of(exchange_of(request.scope)), key_id)


def _item(key: APIKey) -> KeyItem:
    return KeyItem.model_validate(key, from_attributes=True)


def _with_secret(issued: IssuedKey, response: Response) -> KeyWithSecret:
    response.headers["Cache-Control"] = NO_STORE
    shown = _item(issued.record).model_dump()
    return KeyWithSecret(**shown, key=issued.secret.reveal())
