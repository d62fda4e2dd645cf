"""Pages for administrators: the accounts."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import PAGE, Client
from zenith.accounts.depends import account_services
from zenith.authorization import require_permission
from zenith.console.rendering import MANAGE_ACCOUNTS, go_to, pages_of
from zenith.kernel.errors import ConflictError
from zenith.pipeline import exchange_of

ACCOUNTS = "/admin/accounts"
MAX_SEARCH = 100
manage_accounts = require_permission(MANAGE_ACCOUNTS)


def admin_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix=ACCOUNTS, include_in_schema=False)
    router.add_api_route("", accounts, methods=["GET"])
    router.add_api_route("/{account_id}/lock", lock, methods=["POST"])
    router.add_api_route("/{account_id}/unlock", unlock, methods=["POST"])
    return router


@manage_accounts
async def accounts(request: Request, search: str = "", after: str = "") -> Response:
    """A page of accounts."""
    search = search.strip()[:MAX_SEARCH]
    found = await account_services(request).administration.page(
        after=after[:254] or None, search=search
    )
    return pages_of(request).render(
        request,
        "accounts.html",
        accounts=found[:PAGE],
        more=found[PAGE - 1].email_key if len(found) > PAGE else "",
        search=search,
        own_id=exchange_of(request.scope).principal.subject,
        error="",
    )


@manage_accounts
async def lock(request: Request, account_id: str) -> Response:
    """Lock an account; whatever it holds ends at once."""
    exchange = exchange_of(request.scope)
    locked = await account_services(request).administration.lock(
        exchange.principal, account_id, client=Client.of(exchange)
    )
    if not locked:
        raise ConflictError("There is no such account, or it is locked already")
    return go_to(ACCOUNTS, notice="locked")


@manage_accounts
async def unlock(request: Request, account_id: str) -> Response:
    """Let a locked account sign in again."""
    exchange = exchange_of(request.scope)
    unlocked = await account_services(request).administration.unlock(
        exchange.principal, account_id, client=Client.of(exchange)
    )
    if not unlocked:
        raise ConflictError("There is no such account, or it is not locked")
    return go_to(ACCOUNTS, notice="unlocked")
