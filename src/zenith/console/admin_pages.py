"""Pages for administrators: the first that somebody may see, and the accounts."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import PAGE, Client
from zenith.accounts.depends import account_services
from zenith.authorization import authenticated, require_everywhere
from zenith.console.rendering import MANAGE_ACCOUNTS, address, go_to, page_route, pages_of
from zenith.kernel.errors import NotFoundError, PermissionDeniedError, SecurityError
from zenith.pipeline import exchange_of
from zenith.tenants import outside

ADMIN: Final = "/admin"
ACCOUNTS: Final = f"{ADMIN}/accounts"
MAX_SEARCH: Final = 100
MAX_KEY: Final = 254
manage_accounts = require_everywhere(MANAGE_ACCOUNTS)
Back = Annotated[str, Form(max_length=MAX_KEY)]


def admin_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(include_in_schema=False)
    page_route(router, ADMIN, first_page)
    page_route(router, ACCOUNTS, accounts)
    router.add_api_route(f"{ACCOUNTS}/{{account_id}}/lock", lock, methods=["POST"])
    router.add_api_route(f"{ACCOUNTS}/{{account_id}}/unlock", unlock, methods=["POST"])
    return router


@authenticated
async def first_page(request: Request) -> Response:
    """Lead to the first page that the requester may see."""
    areas = pages_of(request).areas_of(outside(exchange_of(request.scope)))
    if not areas:
        raise PermissionDeniedError(reason="may administer nothing")
    return go_to(areas[0][0])


@manage_accounts
async def accounts(request: Request, search: str = "", after: str = "") -> Response:
    """A page of accounts."""
    return await _accounts_page(request, search=search, after=after)


@manage_accounts
async def lock(request: Request, account_id: str, search: Back = "", after: Back = "") -> Response:
    """Lock an account; whatever it holds ends at once."""
    return await _change(request, account_id, search=search, after=after, lock=True)


@manage_accounts
async def unlock(
    request: Request, account_id: str, search: Back = "", after: Back = ""
) -> Response:
    """Let a locked account sign in again."""
    return await _change(request, account_id, search=search, after=after, lock=False)


async def _change(
    request: Request, account_id: str, *, search: str, after: str, lock: bool
) -> Response:
    exchange = exchange_of(request.scope)
    services = account_services(request)
    administration = services.administration
    change = administration.lock if lock else administration.unlock
    try:
        changed = await change(exchange.principal, account_id, client=Client.of(exchange))
    except SecurityError as error:
        return await _accounts_page(request, search=search, after=after, error=error)
    # Pressed twice, or by two administrators: it is as they wanted it.
    if not changed and await services.store.by_id(account_id) is None:
        raise NotFoundError("There is no such account")
    notice = "locked" if lock else "unlocked"
    return go_to(ACCOUNTS, search=search, after=after, notice=notice)


async def _accounts_page(
    request: Request, *, search: str, after: str, error: SecurityError | None = None
) -> Response:
    search, after = _searchable(search)[:MAX_SEARCH], _searchable(after)[:MAX_KEY]
    administration = account_services(request).administration
    found = await administration.page(after=after or None, search=search)
    return pages_of(request).render(
        request,
        "accounts.html",
        error=error,
        accounts=found[:PAGE],
        locked_out=await administration.locked_out(found[:PAGE]),
        accounts_at=_accounts_at,
        after=after,
        more=found[PAGE - 1].email_key if len(found) > PAGE else "",
        search=search,
        own_id=exchange_of(request.scope).principal.subject,
    )


def _accounts_at(search: str, after: str) -> str:
    return address(ACCOUNTS, search=search, after=after)


def _searchable(text: str) -> str:
    """No address holds control characters, and some databases refuse to look for them."""
    return "".join(character for character in text if character.isprintable()).strip()
