"""Pages of linked identities, and the way to a provider and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from zenith.accounts import Client, CurrentUser, User, authenticated_to_enrol
from zenith.accounts.factors import in_person
from zenith.console.rendering import HOME, MAX_PATH, address, go_to, own_path, page_route, pages_of
from zenith.kernel.errors import NotFoundError, SecurityError
from zenith.oauth import (
    OAuthServices,
    Provider,
    depart,
    signed_in_wish,
)
from zenith.pipeline import Exchange, exchange_of

IDENTITIES: Final = "/account/identities"
Purpose: TypeAlias = Literal["link", "confirm"]


def identity_pages(services: OAuthServices) -> APIRouter:
    """The routes of this module."""

    @services.recent
    async def link(request: Request, user: CurrentUser, name: str) -> Response:
        """Leave for a provider, to come back with one more."""
        wanted = address(IDENTITIES, notice="identity-linked")
        return await _leave(request, user, name, "link", wanted)

    @services.recent
    async def unlink(request: Request, user: CurrentUser, identity_id: str) -> Response:
        """Remove one; the last way in stays."""
        return await _unlink(request, user, identity_id)

    router = APIRouter(prefix=IDENTITIES, include_in_schema=False)
    page_route(router, "", identities)
    router.add_api_route("/{name}/link", link, methods=["POST"])
    router.add_api_route("/{name}/confirm", confirm, methods=["POST"])
    router.add_api_route("/{identity_id}/unlink", unlink, methods=["POST"])
    return router


@in_person
async def identities(request: Request, user: CurrentUser) -> Response:
    """Which identities open the account."""
    return await _page(request, user)


@authenticated_to_enrol
async def confirm(
    request: Request,
    user: CurrentUser,
    name: str,
    wanted: Annotated[str, Form(alias="next", max_length=MAX_PATH)] = HOME,
) -> Response:
    """Leave for a provider, to prove again that it is the owner."""
    return await _leave(request, user, name, "confirm", own_path(wanted))


async def _unlink(request: Request, user: User, identity_id: str) -> Response:
    exchange = exchange_of(request.scope)
    services = exchange.service(OAuthServices)
    try:
        await services.identities.unlink(
            exchange.principal, identity_id, client=Client.of(exchange)
        )
    except SecurityError as error:
        return await _page(request, user, error=error)
    return go_to(IDENTITIES, notice="identity-unlinked")


async def confirming_providers(exchange: Exchange, user: User) -> Sequence[Provider]:
    """Those with which the account can confirm that it is its owner."""
    services = exchange.services.get(OAuthServices)
    if not isinstance(services, OAuthServices):
        return ()
    linked = {each.provider for each in await services.identities.of_account(user.id)}
    return [each for name, each in services.providers.items() if name in linked and each.is_openid]


async def _leave(
    request: Request, user: User, name: str, purpose: Purpose, wanted: str
) -> Response:
    exchange = exchange_of(request.scope)
    provider = exchange.service(OAuthServices).providers.get(name)
    if provider is None:
        raise NotFoundError
    try:
        wish = signed_in_wish(request, purpose, wanted)
        url, cookie = await depart(exchange, provider, wish)
    except SecurityError as error:
        return await _page(request, user, error=error)
    # A page, for browsers stop a form whose answer leads to another site (CSP form-action).
    response = pages_of(request).render(request, "departure.html", url=url, label=provider.label)
    response.headers["Refresh"] = f"0; url={url}"
    response.headers.append("set-cookie", cookie)
    return response


async def _page(request: Request, user: User, *, error: SecurityError | None = None) -> Response:
    services = exchange_of(request.scope).service(OAuthServices)
    linked = await services.identities.of_account(user.id)
    return pages_of(request).render(
        request,
        "identities.html",
        error=error,
        identities=linked,
        labels={name: each.label for name, each in services.providers.items()},
        last=len(linked) == 1 and user.account.password_hash is None,
    )
