"""The flows of sign-in with other providers: loaded where there are any."""

from __future__ import annotations

from typing import Final

from zenith.accounts import AccountServices
from zenith.assembly.parts import Parts
from zenith.authorization import require_factor
from zenith.kernel.keys import derive
from zenith.kernel.sealing import Sealer
from zenith.oauth import (
    CodeFlow,
    Directory,
    FormAnswerGuard,
    HandOver,
    Identities,
    OAuthServices,
    ProviderSignOuts,
    http_client,
)
from zenith.oauth.client_authentication import apple_key
from zenith.pipeline import Guard
from zenith.stores.sql import (
    SqlAuthorizationStore,
    SqlIdentityStore,
    SqlProofStore,
    SqlProviderSignInStore,
)

PURPOSE: Final = "oauth"
ID_TOKENS: Final = "oauth/id-tokens"


def provider_flows(
    parts: Parts, accounts: AccountServices
) -> tuple[OAuthServices, tuple[Guard, ...]]:
    """The flows for the providers that are set, and the guards that they need.

    Raises ConfigurationError for a key of Apple's that cannot sign, or where httpx is missing.
    """
    settings = parts.settings.oauth
    providers = {each.name: each for each in settings.providers()}
    for each in providers.values():
        if each.client_authentication == "apple":
            apple_key(each)
    urls = [url for each in providers.values() for url in each.urls]
    http = http_client.ProviderHttp(
        timeout=settings.timeout, outbound=parts.settings.outbound.knowing(*urls)
    )
    directory = Directory(http)
    flow = CodeFlow(
        pending=SqlAuthorizationStore(parts.database),
        http=http,
        directory=directory,
        key=derive(parts.secrets[0], PURPOSE),
        lifetime=settings.state_lifetime,
        believe_undated=settings.believe_undated_sign_ins,
    )
    services = OAuthServices(
        providers=providers,
        flow=flow,
        sign_outs=_sign_outs(parts, accounts, flow, directory),
        identities=_identities(parts, accounts),
        hand_over=_hand_over(parts),
        limiter=parts.limiter,
        recent=require_factor(*accounts.step_up.kinds),
        settings=settings,
        origin=parts.settings.origin,
    )
    forms = any(each.response_mode == "form_post" for each in providers.values())
    guards = (FormAnswerGuard(providers.values()),) if forms else ()
    return services, guards


def _sign_outs(
    parts: Parts, accounts: AccountServices, flow: CodeFlow, directory: Directory
) -> ProviderSignOuts:
    """What ends sign-ins here and at providers together."""
    sessions = parts.settings.sessions
    longest = max(sessions.lifetimes(remembered=each)[1] for each in (True, False))
    return ProviderSignOuts(
        SqlProviderSignInStore(parts.database),
        flow=flow,
        directory=directory,
        sessions=parts.sessions,
        end_session=accounts.sign_in.end_session,
        end_waiting=parts.pending_store.end_all,
        # In the database of the sessions, so that both are one step.
        spent=SqlProofStore(parts.database),
        sealer=Sealer(parts.secrets, purpose=ID_TOKENS),
        lifetime=max(longest, parts.settings.tokens.refresh_lifetime),
    )


def _hand_over(parts: Parts) -> HandOver:
    """From browsers to programs."""
    identities = SqlIdentityStore(parts.database, parts.account_store)
    return HandOver(secrets=parts.one_time, accounts=parts.account_store, identities=identities)


def _identities(parts: Parts, accounts: AccountServices) -> Identities:
    """Whose accounts identities open."""
    return Identities(
        store=SqlIdentityStore(parts.database, parts.account_store),
        accounts=parts.account_store,
        sign_in=accounts.sign_in,
        events=parts.events,
        notices=parts.notices,
        settings=parts.settings.accounts,
        sign_up=parts.settings.oauth.sign_up,
    )
