"""Routes of each provider, and of the identities that are linked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from zenith.accounts import Client, authenticated_to_enrol
from zenith.accounts.depends import account_services
from zenith.accounts.factors import FactorsDue, in_person
from zenith.accounts.routes import FactorsDueResponse, TokenResponse, know_device, logout
from zenith.authorization import Access, SecuredRoute, public
from zenith.kernel.errors import PermissionDeniedError
from zenith.oauth.authorization import Wish
from zenith.oauth.journey import (
    NO_STORE,
    arrive,
    depart,
    leading_on,
    pages_of,
    redirect,
    services_of,
    still_stands,
    wanted_of,
)
from zenith.oauth.provider import Provider
from zenith.oauth.services import FACTOR, OAuthServices
from zenith.pipeline import exchange_of
from zenith.tokens import prove_key

MAX_TOKEN = 8192
Fields: TypeAlias = Mapping[str, tuple[str, Mapping[str, object]]]
FRESH = {"prompt": "login", "max_age": "0"}
LEAVING: Final[Fields] = {
    "next": ("Where to go on afterwards: a path of this application.", {"maxLength": 2048}),
    "code_challenge": (
        "Of a program that wants tokens (RFC 7636): they are had for the code behind `#code=`.",
        {"pattern": "^[A-Za-z0-9_-]{43}$"},
    ),
    "code_challenge_method": ("How the challenge was made.", {"enum": ["S256"]}),
}
RETURNING: Final[Fields] = {
    "state": ("What the browser left with; counts once.", {}),
    "code": ("What the provider gave it.", {}),
    "error": ("Or why it gave none (RFC 6749 section 4.1.2.1).", {}),
    "iss": ("Who the provider says that it is (RFC 9207).", {}),
}


class ProviderItem(BaseModel):
    """A provider, for buttons."""

    name: str
    label: str
    href: str


class IdentityItem(BaseModel):
    """A linked identity."""

    id: str
    provider: str
    label: str
    created_at: float
    last_used_at: float


class Departure(BaseModel):
    """Where the browser goes now."""

    authorization_url: str


class SignedOut(BaseModel):
    """The sign-in has ended here."""

    end_session_url: str | None
    """Where the browser goes to end it at the provider too; None where nothing asks for that."""


class Destination(BaseModel):
    """Where it goes on afterwards: a path of this application."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    next: Annotated[str, Field(max_length=2048, examples=["/settings"])] = "/"


class CodeExchange(BaseModel):
    """The code that came back behind `#code=`, and the verifier of the program's challenge."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    code: Annotated[str, Field(max_length=128)]
    code_verifier: Annotated[str, Field(min_length=43, max_length=128)]


def oauth_router(services: OAuthServices, *, prefix: str = "/auth") -> APIRouter:
    """The routes: a pair for each provider, so that no path of others is caught."""
    router = APIRouter(prefix=prefix, tags=["oauth"], route_class=SecuredRoute)

    @public
    async def providers(request: Request) -> list[ProviderItem]:
        """Whom people can sign in with."""
        below = f"{exchange_of(request.scope).root_path}{prefix}"
        return [
            ProviderItem(name=each.name, label=each.label, href=f"{below}/{each.name}")
            for each in services.providers.values()
        ]

    @authenticated_to_enrol
    async def sign_out(request: Request, response: Response) -> SignedOut:
        """End this sign-in, and say where to end it at its provider."""
        found = await leading_on(exchange_of(request.scope), prefix=prefix)
        await logout(request, response)
        return SignedOut(end_session_url=None if found is None else found[1])

    @services.recent
    async def unlink(identity_id: str, request: Request) -> None:
        """Remove an identity; the last way in stays."""
        exchange = exchange_of(request.scope)
        await services.identities.unlink(
            exchange.principal, identity_id, client=Client.of(exchange)
        )

    router.add_api_route("/providers", providers, methods=["GET"])
    router.add_api_route("/oauth/token", token, methods=["POST"])
    router.add_api_route("/oauth/logout", sign_out, methods=["POST"])
    router.add_api_route("/identities", identities, methods=["GET"])
    router.add_api_route("/identities/{identity_id}", unlink, methods=["DELETE"], status_code=204)
    for provider in services.providers.values():
        _add_provider(router, provider, services.recent, prefix)
        if provider.end_session:
            _add_return(router, provider)
        if provider.back_channel_logout:
            _add_back_channel(router, provider)
    return router


def _add_provider(router: APIRouter, provider: Provider, recent: Access, prefix: str) -> None:
    label = provider.label

    @public
    async def leave(request: Request) -> Response:
        exchange = exchange_of(request.scope)
        url, cookie = await depart(exchange, provider, wanted_of(request), prefix=prefix)
        return redirect(url, cookie)

    @public
    async def come_back(request: Request) -> Response:
        return await arrive(request, provider, prefix=prefix)

    @recent
    async def link(body: Destination, request: Request, response: Response) -> Departure:
        return await _depart_signed_in(
            request, response, provider, "link", body.next, prefix=prefix
        )

    @authenticated_to_enrol
    async def confirm(body: Destination, request: Request, response: Response) -> Departure:
        return await _depart_signed_in(
            request, response, provider, "confirm", body.next, prefix=prefix
        )

    add, path = partial(_add, router, provider), f"/{provider.name}"
    add(path, leave, f"Sign in with {label}", leads_on=LEAVING)
    add(f"{path}/callback", come_back, f"Come back from {label}", leads_on=RETURNING)
    add(f"{path}/link", link, f"Link {label}")
    add(f"{path}/confirm", confirm, f"Prove again with {label}")


def _add_return(router: APIRouter, provider: Provider) -> None:
    @public
    async def signed_out(request: Request) -> Response:
        return redirect(pages_of(exchange_of(request.scope)).home)

    path, summary = f"/{provider.name}/signed-out", f"Come back signed out of {provider.label}"
    _add(router, provider, path, signed_out, summary, leads_on={})


def _add_back_channel(router: APIRouter, provider: Provider) -> None:
    @public
    async def back_channel(
        logout_token: Annotated[str, Form(max_length=MAX_TOKEN)], request: Request
    ) -> Response:
        """What the provider itself sends: sessions that began there have ended there."""
        exchange = exchange_of(request.scope)
        sign_outs = services_of(exchange).sign_outs
        await sign_outs.obey(provider, logout_token, client=Client.of(exchange))
        return Response(status_code=200, headers={"Cache-Control": NO_STORE})

    router.add_api_route(
        f"/{provider.name}/back-channel-logout",
        back_channel,
        methods=["POST"],
        summary=f"Sessions ended at {provider.label}",
        name=f"{provider.name}_back_channel",
        response_class=Response,
    )


def _add(
    router: APIRouter,
    provider: Provider,
    path: str,
    endpoint: Callable[..., Any],
    summary: str,
    *,
    leads_on: Fields | None = None,
) -> None:
    """With `leads_on` a browser is led on; these are the fields of its query."""
    leads = leads_on is not None
    router.add_api_route(
        path,
        endpoint,
        methods=["GET"] if leads else ["POST"],
        summary=summary,
        name=f"{provider.name}_{endpoint.__name__}",
        status_code=303 if leads else 200,
        response_class=Response if leads else JSONResponse,
        response_model=None if leads else Departure,
        response_description="The browser goes on" if leads else "Where the browser goes now",
        openapi_extra=_described(leads_on) if leads_on else None,
    )


def _described(fields: Fields) -> dict[str, Any]:
    """What the handlers read by themselves: a link may carry more, and is never malformed."""
    return {
        "parameters": [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string", **kind}}
            for name, (text, kind) in fields.items()
        ]
    }


@public
async def token(
    body: CodeExchange, request: Request, response: Response
) -> TokenResponse | FactorsDueResponse:
    """Exchange the code of a sign-in for tokens, or for a challenge where a factor is due."""
    exchange = exchange_of(request.scope)
    await prove_key(exchange)
    services = services_of(exchange)
    found = await services.hand_over.spend(body.code, body.code_verifier)
    entered = await account_services(request).sign_in.enter_tokens(
        found.account,
        factors={FACTOR: found.proven_at},
        client=Client.of(exchange),
        still=partial(
            still_stands,
            services,
            services.providers.get(found.provider),
            found.account.id,
            (found.issuer, found.subject),
            found.proven_at,
        ),
    )
    response.headers["Cache-Control"] = NO_STORE
    if isinstance(entered, FactorsDue):
        return FactorsDueResponse(
            challenge=entered.challenge,
            factors_due=list(entered.kinds),
            expires_in=entered.expires_in,
        )
    await know_device(exchange, entered, response)
    return TokenResponse(
        access_token=entered.access_token,
        refresh_token=entered.refresh_token,
        expires_in=entered.expires_in,
        token_type=entered.token_type,
    )


@in_person
async def identities(request: Request) -> list[IdentityItem]:
    """The identities that open the account."""
    exchange = exchange_of(request.scope)
    linked = await services_of(exchange).identities.of_account(exchange.principal.subject)
    return [
        IdentityItem(
            id=each.id,
            provider=each.provider,
            label=each.label,
            created_at=each.created_at,
            last_used_at=each.last_used_at,
        )
        for each in linked
    ]


def signed_in_wish(request: Request, purpose: str, wanted: str) -> Wish:
    """What somebody who is signed in leaves for; raises PermissionDeniedError for credentials
    that belong to no sign-in of a person.
    """
    principal = exchange_of(request.scope).principal
    if principal.kind != "user" or principal.session_id is None:
        raise PermissionDeniedError(
            "This credential belongs to no sign-in", reason=f"scheme {principal.scheme}"
        )
    return Wish(
        purpose="link" if purpose == "link" else "confirm",
        wanted=wanted,
        account_id=principal.subject,
        session_id=principal.session_id,
        extra={} if purpose == "link" else FRESH,
    )


async def _depart_signed_in(
    request: Request,
    response: Response,
    provider: Provider,
    purpose: str,
    wanted: str,
    *,
    prefix: str,
) -> Departure:
    wish = signed_in_wish(request, purpose, wanted)
    url, cookie = await depart(exchange_of(request.scope), provider, wish, prefix=prefix)
    response.headers.append("set-cookie", cookie)
    response.headers["Cache-Control"] = NO_STORE
    return Departure(authorization_url=url)
