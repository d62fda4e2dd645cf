"""Pages of API keys: one's own, and everybody's for administrators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts.depends import account_services
from zenith.api_keys import (
    MANAGE_ALL,
    PAGE,
    Actor,
    APIKey,
    IssuedKey,
    KeyRequest,
    api_keys_of,
    may_make_keys,
    may_manage_keys,
    next_cursor,
    read_cursor,
)
from zenith.authorization import require_everywhere
from zenith.console.rendering import address, go_to, page_route, pages_of
from zenith.kernel.clock import wall_clock
from zenith.kernel.errors import BadRequestError, SecurityError
from zenith.kernel.permissions import Permissions
from zenith.pipeline import exchange_of

OWN: Final = "/account/keys"
ALL: Final = "/admin/keys"
DAY: Final = 86_400
LIFETIMES: Final = {7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}
manage_all = require_everywhere(MANAGE_ALL)


class KeyForm(BaseModel):
    """What a new key shall be, as the form says it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: Annotated[str, Field(max_length=200)] = ""
    scopes: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=200)] = []
    further: Annotated[str, Field(max_length=2000)] = ""
    days: Annotated[int, Field(ge=1, le=3660)] = 90
    thumbprint: Annotated[str, Field(max_length=100)] = ""
    tenant: Annotated[str, Field(max_length=128)] = ""


Wanted = Annotated[KeyForm, Form()]


def key_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    page_route(router, OWN, own_keys)
    router.add_api_route(OWN, make_own, methods=["POST"])
    router.add_api_route(OWN + "/{key_id}/rotate", rotate_own, methods=["POST"])
    router.add_api_route(OWN + "/{key_id}/revoke", revoke_own, methods=["POST"])
    page_route(router, ALL, all_keys)
    router.add_api_route(ALL, make_for_service, methods=["POST"])
    router.add_api_route(ALL + "/{key_id}/rotate", rotate_any, methods=["POST"])
    router.add_api_route(ALL + "/{key_id}/revoke", revoke_any, methods=["POST"])
    return router


@may_manage_keys
async def own_keys(request: Request) -> Response:
    """One's keys, and a form for another."""
    return await _own_page(request)


@may_make_keys
async def make_own(request: Request, form: Wanted) -> Response:
    """Make a key and show it, once."""
    return await _make(request, _own_page, form, owner_id=_actor(request).owner_id)


@may_make_keys
async def rotate_own(request: Request, key_id: str) -> Response:
    """Make a key's successor and show it, once."""
    return await _rotate(request, _own_page, key_id)


@may_manage_keys
async def revoke_own(request: Request, key_id: str) -> Response:
    """End a key."""
    await api_keys_of(request).revoke(_actor(request), key_id)
    return go_to(OWN, notice="key-revoked")


@manage_all
async def all_keys(request: Request) -> Response:
    """Everybody's keys, the newest first."""
    return await _all_page(request)


@may_make_keys
@manage_all
async def make_for_service(request: Request, form: Wanted) -> Response:
    """Make a key without an owner and show it, once."""
    return await _make(request, _all_page, form, owner_id=None)


@may_make_keys
@manage_all
async def rotate_any(request: Request, key_id: str) -> Response:
    """Make the successor of a service's key and show it, once."""
    return await _rotate(request, _all_page, key_id)


@manage_all
async def revoke_any(request: Request, key_id: str) -> Response:
    """End anybody's key."""
    await api_keys_of(request).revoke(_actor(request), key_id)
    return go_to(ALL, notice="key-revoked")


async def _make(request: Request, page: Any, form: KeyForm, *, owner_id: str | None) -> Response:
    wanted = KeyRequest(
        name=form.name,
        scopes=[*form.scopes, *form.further.replace(",", " ").split()],
        lifetime=form.days * DAY,
        owner_id=owner_id,
        thumbprint=form.thumbprint.strip() or None,
        tenant=form.tenant or None,
    )
    keys, actor = api_keys_of(request), _actor(request)
    return await _shown_once(request, page, lambda: keys.issue(actor, wanted))


async def _rotate(request: Request, page: Any, key_id: str) -> Response:
    keys, actor = api_keys_of(request), _actor(request)
    return await _shown_once(request, page, lambda: keys.rotate(actor, key_id))


async def _shown_once(
    request: Request, page: Any, make: Callable[[], Awaitable[IssuedKey]]
) -> Response:
    try:
        issued = await make()
    except SecurityError as error:
        response: Response = await page(request, error=error)
        return response
    response = await page(request, issued=issued)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _own_page(
    request: Request, *, issued: IssuedKey | None = None, error: SecurityError | None = None
) -> Response:
    keys, actor = api_keys_of(request), _actor(request)
    places = await keys.places.of(actor)
    found = await keys.own(actor)
    return pages_of(request).render(
        request,
        "keys.html",
        error=error,
        keys=[_shown(key) for key in found],
        manages_all=actor.manages_all,
        **_form(request, actor, issued, places),
    )


async def _all_page(
    request: Request, *, issued: IssuedKey | None = None, error: SecurityError | None = None
) -> Response:
    keys, actor = api_keys_of(request), _actor(request)
    try:
        after = read_cursor(request.query_params.get("after", "")[:100])
    except BadRequestError:
        after = None
    found = await keys.page(actor, after=after)
    recent = account_services(request).recent
    shown: list[dict[str, Any]] = []
    for key in found[:PAGE]:
        owner = None if key.owner_id is None else await recent.by_id(key.owner_id)
        shown.append(_shown(key) | {"owner": None if owner is None else owner.email})
    more = next_cursor(found, PAGE)
    return pages_of(request).render(
        request,
        "all_keys.html",
        error=error,
        keys=shown,
        next_page=address(ALL, after=more) if more else "",
        continued=after is not None,
        **_form(request, actor, issued, {None: actor.principal.permissions}),
    )


def _form(
    request: Request,
    actor: Actor,
    issued: IssuedKey | None,
    places: Mapping[str | None, Permissions],
) -> dict[str, Any]:
    """What the form for a new key needs; `places` is what the actor holds where."""
    keys = api_keys_of(request)
    offered = {scope for held in places.values() for scope in keys.offered(actor, held)}
    most = keys.settings.max_lifetime
    lifetimes = {days: text for days, text in LIFETIMES.items() if days * DAY <= most}
    preset = int(keys.settings.default_lifetime // DAY)
    return {
        "issued": None if issued is None else issued.record,
        "secret": "" if issued is None else issued.secret.reveal(),
        "offered": sorted(offered),
        "has_tenants": keys.places.has_tenants,
        "tenants": [place for place in places if place is not None],
        "confined": None not in places,
        "lifetimes": lifetimes or {1: "a day"},
        "preset": preset,
        "limit": keys.settings.requests_per_hour,
        "binds": keys.binds,
        "bound_only": keys.settings.bound_only,
        "overlap_hours": round(keys.settings.rotation_overlap / 3600),
    }


def _shown(key: APIKey) -> dict[str, Any]:
    alive = key.is_alive(wall_clock())
    if alive:
        state = "rotated" if key.replaced_by is not None else "working"
    else:
        state = "revoked" if key.revoked else "expired"
    return {"key": key, "state": state, "alive": alive}


def _actor(request: Request) -> Actor:
    return Actor.of(exchange_of(request.scope))
