"""The page of bans, for administrators: who is kept out, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from zenith.abuse.bans import Ban, Bans, BanTarget, SelfBanError
from zenith.accounts import Account, canonical_email
from zenith.accounts.depends import account_services
from zenith.accounts.errors import InvalidEmailError
from zenith.authorization import require_everywhere
from zenith.console.rendering import (
    READ_BANS,
    WRITE_BANS,
    address,
    go_to,
    page_route,
    pages_of,
)
from zenith.kernel.errors import NotFoundError, SecurityError
from zenith.pipeline import Exchange, exchange_of

BANS: Final = "/admin/bans"
PAGE: Final = 50
MAX_PAGES: Final = 200
HOUR: Final = 3600.0
LENGTHS: Final = {
    1: "an hour",
    24: "a day",
    168: "a week",
    720: "30 days",
    0: "until it is lifted",
}
"""Hours, and what they are called."""
read_bans = require_everywhere(READ_BANS)
write_bans = require_everywhere(WRITE_BANS)


class BanForm(BaseModel):
    """A ban, as the form says it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    target: Annotated[str, Field(max_length=300)] = ""
    reason: Annotated[str, Field(max_length=300)] = ""
    hours: Annotated[int, Field(ge=0, le=87_600)] = 24
    force: Annotated[str, Field(max_length=8)] = ""


class LiftForm(BaseModel):
    """A ban to be lifted."""

    model_config = ConfigDict(hide_input_in_errors=True)

    target: Annotated[str, Field(max_length=300)] = ""


def ban_pages() -> APIRouter:
    """The routes of this module."""
    router = APIRouter(prefix=BANS, include_in_schema=False)
    page_route(router, "", bans)
    router.add_api_route("", make_ban, methods=["POST"])
    router.add_api_route("/lift", lift_ban, methods=["POST"])
    return router


@read_bans
async def bans(request: Request, search: str = "", page: int = 1) -> Response:
    """Who is kept out, the newest first, and a form for another."""
    return await _bans_page(request, search=search, page=page)


@write_bans
async def make_ban(request: Request, form: Annotated[BanForm, Form()]) -> Response:
    """Keep somebody out; not oneself by mistake."""
    exchange = exchange_of(request.scope)
    try:
        await exchange.service(Bans).ban(
            await _target_of(request, form.target),
            reason=form.reason,
            seconds=form.hours * HOUR if form.hours else None,
            by=exchange.principal.subject,
            own=_own(exchange),
            force=bool(form.force),
        )
    except SecurityError as error:
        return await _bans_page(request, form=form, error=error)
    return go_to(BANS, notice="banned")


@write_bans
async def lift_ban(request: Request, form: Annotated[LiftForm, Form()]) -> Response:
    """Let somebody in again. Pressed twice, it is as they wanted it."""
    exchange = exchange_of(request.scope)
    await exchange.service(Bans).lift(form.target, by=exchange.principal.subject)
    return go_to(BANS, notice="ban-lifted")


async def _target_of(request: Request, text: str) -> BanTarget:
    """What the form means; an e-mail address stands for its account."""
    if "@" not in text:
        return BanTarget.parse(text)
    try:
        _, key = canonical_email(text)
    except InvalidEmailError:
        return BanTarget.parse(text)
    account = await account_services(request).store.by_email(key)
    if account is None:
        raise NotFoundError("No account has this e-mail address")
    return BanTarget.of_subject("account", account.id)


def _own(exchange: Exchange) -> list[BanTarget]:
    """What a ban must not cover unless it is meant."""
    client = BanTarget.of_client(exchange.client)
    own = [BanTarget.of_subject("account", exchange.principal.subject)]
    return own if client is None else [*own, client]


async def _bans_page(
    request: Request,
    *,
    search: str = "",
    page: int = 1,
    form: BanForm | None = None,
    error: SecurityError | None = None,
) -> Response:
    exchange = exchange_of(request.scope)
    search = "".join(each for each in search if each.isprintable()).strip()[:100]
    page = min(max(page, 1), MAX_PAGES)
    found = await exchange.service(Bans).active(
        limit=PAGE + 1, offset=(page - 1) * PAGE, search=search
    )
    shown = found[:PAGE]
    return pages_of(request).render(
        request,
        "bans.html",
        error=error,
        bans=shown,
        mails=await _mails(request, shown),
        lengths=LENGTHS,
        form=form or BanForm(),
        asks_force=isinstance(error, SelfBanError),
        own_address=exchange.client,
        may_write=exchange.principal.has_permission(WRITE_BANS),
        search=search,
        first=_at(search, 1) if page > 1 else "",
        more=_at(search, page + 1) if len(found) > PAGE else "",
    )


def _at(search: str, page: int) -> str:
    return address(BANS, search=search, page=str(page) if page > 1 else "")


async def _mails(request: Request, shown: Sequence[Ban]) -> dict[str, Any]:
    """Addresses of the accounts that bans are about, and of those that made them."""
    ids = {each.target.key for each in shown if each.target.kind == "account"}
    ids |= {each.made_by for each in shown if not each.automatic}
    store = account_services(request).store
    accounts: list[Account | None] = [await store.by_id(each) for each in sorted(ids)]
    return {account.id: account.email for account in accounts if account is not None}
