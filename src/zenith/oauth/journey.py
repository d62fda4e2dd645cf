"""The browser's way to a provider and back: cookies, addresses, limits. No FastAPI."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zenith.accounts import Client
from zenith.accounts.depends import account_services
from zenith.accounts.devices import device_cookie
from zenith.accounts.factors import FactorsDue, factor_cookie
from zenith.kernel.errors import AuthenticationError, BadRequestError, PermissionDeniedError
from zenith.kernel.keys import new_token
from zenith.kernel.network import client_key
from zenith.kernel.one_step import one_step
from zenith.oauth.authorization import RANDOM, AuthorizationAnswer, Wish, local_path
from zenith.oauth.code_flow import Returned
from zenith.oauth.errors import AuthorizationStateError
from zenith.oauth.provider import Provider
from zenith.oauth.services import FACTOR, OAuthPages, OAuthServices
from zenith.pipeline import Exchange, exchange_of
from zenith.sessions import SessionSettings, renewed_cookie, session_cookie, session_of

PREFIX: Final = "/auth"
COOKIE: Final = "zenith-oauth"
SEE_OTHER: Final = 303
NO_STORE: Final = "no-store"


def services_of(exchange: Exchange) -> OAuthServices:
    """The application's providers and flows."""
    return exchange.service(OAuthServices)


def pages_of(exchange: Exchange) -> OAuthPages:
    """Where browsers go on."""
    found = exchange.services.get(OAuthPages)
    return found if isinstance(found, OAuthPages) else OAuthPages()


async def depart(
    exchange: Exchange, provider: Provider, wish: Wish, *, prefix: str = PREFIX
) -> tuple[str, str]:
    """The provider's address to go to, and the Set-Cookie that lets this browser come back.

    Raises RateLimitError and ProviderError.
    """
    services = services_of(exchange)
    await services.limiter.require(
        "oauth",
        keys={"address": client_key(exchange.client)},
        limits=services.settings.start_limit,
    )
    present = exchange.cookies.get(cookie_name(exchange), "")
    # One for all tabs: with one for each, the last to leave would be the only one to come back.
    browser = present if RANDOM.fullmatch(present) else new_token()
    wish = replace(wish, wanted=local_path(wish.wanted, pages_of(exchange).home))
    url = await services.flow.begin(
        provider,
        wish,
        browser=browser,
        redirect_uri=callback_uri(exchange, provider, prefix),
    )
    return url, _cookie(exchange, browser, services.settings.state_lifetime)


def wanted_of(request: Request) -> Wish:
    """What the address of a departure asks for: `next`, and for programs their challenge.

    Raises BadRequestError for a challenge that is not by S256.
    """
    query = request.query_params
    challenge = query.get("code_challenge", "")
    if challenge and (
        query.get("code_challenge_method", "S256") != "S256" or not RANDOM.fullmatch(challenge)
    ):
        raise BadRequestError("code_challenge must be by S256", reason="no S256 challenge")
    return Wish(wanted=query.get("next", ""), challenge=challenge)


async def arrive(request: Request, provider: Provider, *, prefix: str = PREFIX) -> Response:
    """Answer a browser that came back: with a session, a code, a link, or a refusal."""
    exchange = exchange_of(request.scope)
    fields = request.query_params
    if len(fields.multi_items()) != len(fields):
        # RFC 6749 section 3.1: parameters must not be included more than once.
        raise AuthorizationStateError(reason="a parameter came twice")
    returned = await services_of(exchange).flow.finish(
        provider,
        AuthorizationAnswer.of(fields),
        browser=exchange.cookies.get(cookie_name(exchange), ""),
        redirect_uri=callback_uri(exchange, provider, prefix),
    )
    match returned.pending.purpose:
        case "sign-in":
            return await _sign_in(request, provider, returned)
        case "link":
            return await _link(request, provider, returned)
        case "confirm":
            return await _confirm(request, provider, returned)


def cookie_name(exchange: Exchange) -> str:
    """Name of the cookie that binds a state to its browser."""
    secure = exchange.service(SessionSettings).secure_cookies
    return f"__Host-{COOKIE}" if secure else COOKIE


def callback_uri(exchange: Exchange, provider: Provider, prefix: str = PREFIX) -> str:
    """Where the provider sends the browser back: registered there, letter by letter."""
    return f"{address_of(exchange, provider, prefix)}/callback"


async def leading_on(exchange: Exchange, *, prefix: str = PREFIX) -> tuple[Provider, str] | None:
    """The provider, and the address there, where the caller signs out of it as well. Ask before the
    sign-in ends; None also for an application without providers.
    """
    services = exchange.services.get(OAuthServices)
    if not isinstance(services, OAuthServices):
        return None
    return await services.sign_outs.leading_on(
        services.providers,
        exchange.principal,
        lambda provider: f"{address_of(exchange, provider, prefix)}/signed-out",
    )


def address_of(exchange: Exchange, provider: Provider, prefix: str = PREFIX) -> str:
    """The provider's own place below the application's origin."""
    return f"{services_of(exchange).origin}{exchange.root_path}{prefix}/{provider.name}"


def redirect(url: str, *cookies: str) -> Response:
    """See Other, in no cache."""
    response = RedirectResponse(url, status_code=SEE_OTHER, headers={"Cache-Control": NO_STORE})
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response


async def _sign_in(request: Request, provider: Provider, returned: Returned) -> Response:
    exchange = exchange_of(request.scope)
    services, client = services_of(exchange), Client.of(exchange)
    pending, proven = returned.pending, returned.identity
    account = await services.identities.account_of(provider, proven, client=client)
    await services.sign_outs.remember(provider, account.id, proven)
    if pending.challenge:
        code = await services.hand_over.issue(
            account, proven, challenge=pending.challenge, provider=provider.name
        )
        # Behind the #: it reaches neither logs nor the next site's Referer.
        return redirect(f"{pending.wanted.partition('#')[0]}#code={code}")
    principal, factor = exchange.principal, proven.authenticated_at
    entered = await account_services(request).sign_in.enter_browser(
        account,
        factors={FACTOR: factor},
        client=client,
        replaces=principal if principal.is_authenticated else None,
        still=partial(
            still_stands, services, provider, account.id, (proven.issuer, proven.subject), factor
        ),
    )
    settings = exchange.service(SessionSettings)
    if isinstance(entered, FactorsDue):
        page = pages_of(exchange).factor
        if not page:
            raise PermissionDeniedError(
                "A second factor is due, and this application has no page that asks for it",
                reason="OAuthPages names no page for factors",
            )
        cookie = factor_cookie(entered.challenge, secure=settings.secure_cookies)
        return redirect(f"{page}?{urlencode({'next': pending.wanted})}", cookie)
    known = account_services(request).devices.issue(entered.account)
    return redirect(
        pending.wanted,
        session_cookie(entered.cookie, settings),
        device_cookie(known, secure=settings.secure_cookies),
    )


async def still_stands(
    services: OAuthServices,
    provider: Provider | None,
    account_id: str,
    identity: tuple[str, str],
    proven_at: float,
) -> bool:
    """Whether the identity (issuer and subject) still opens the account, and its provider has not
    ended meanwhile what began there (ASVS 7.4.1).
    """
    if provider is None or not await services.identities.opens(account_id, *identity):
        return False
    return await services.sign_outs.stands(provider, account_id, proven_at)


async def _link(request: Request, provider: Provider, returned: Returned) -> Response:
    exchange, pending = exchange_of(request.scope), returned.pending
    await _check_departed(request, returned)
    await services_of(exchange).identities.link(
        pending.account_id,
        provider,
        returned.identity,
        session_id=pending.session_id,
        client=Client.of(exchange),
    )
    return redirect(pending.wanted)


async def _confirm(request: Request, provider: Provider, returned: Returned) -> Response:
    exchange, pending = exchange_of(request.scope), returned.pending
    await _check_departed(request, returned)
    proven, services = returned.identity, services_of(exchange)
    if not await services.identities.is_linked(pending.account_id, proven):
        raise PermissionDeniedError("This identity is not linked to your account")
    await services.sign_outs.remember(provider, pending.account_id, proven)
    session, session_id = session_of(exchange), pending.session_id
    async with one_step():
        outcome = await account_services(request).sessions.prove(
            session_id,
            pending.account_id,
            {FACTOR: proven.authenticated_at},
            presented=None if session is None else session.digest,
        )
        if outcome is not None:
            await services.identities.confirmed(
                pending.account_id, provider, session_id=session_id, client=Client.of(exchange)
            )
    if outcome is None:
        raise AuthorizationStateError(reason="the session ended or changed meanwhile")
    cookie = renewed_cookie(outcome, exchange.service(SessionSettings))
    return redirect(pending.wanted, *([cookie] if cookie else []))


async def _check_departed(request: Request, returned: Returned) -> None:
    """Threat: linking somebody else's identity to this account, or this one to another's, by a
    sign-out, a sign-in or a theft on the way (ASVS 10.2.1).
    """
    exchange, pending = exchange_of(request.scope), returned.pending
    session = await account_services(request).sessions.get(pending.session_id)
    if session is None or session.account_id != pending.account_id:
        raise AuthenticationError(reason="the sign-in that left has ended")
    principal = exchange.principal
    if principal.is_authenticated and principal.subject != pending.account_id:
        raise AuthorizationStateError(reason="somebody else is signed in by now")


def _cookie(exchange: Exchange, value: str, lifetime: float) -> str:
    # Lax, for the browser comes back from another site; and for the whole site, as __Host- asks.
    secure = "; Secure" if exchange.service(SessionSettings).secure_cookies else ""
    attributes = f"Path=/; Max-Age={int(lifetime)}; HttpOnly; SameSite=Lax{secure}"
    return f"{cookie_name(exchange)}={value}; {attributes}"
