"""Sign-in with other providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from zenith.accounts import AccountServices, FactorCheck
from zenith.assembly.parts import Parts
from zenith.authorization import require_factor
from zenith.kernel.clock import wall_clock
from zenith.kernel.keys import derive
from zenith.kernel.sealing import Sealer
from zenith.oauth import (
    FACTOR,
    CodeFlow,
    Directory,
    FormAnswerGuard,
    HandOver,
    Identities,
    IdentityCheck,
    OAuthServices,
    ProviderSignOuts,
)
from zenith.oauth.client_authentication import apple_key
from zenith.pipeline import Guard
from zenith.stores.foundation import Prune
from zenith.stores.sql import (
    SqlAuthorizationStore,
    SqlIdentityStore,
    SqlProofStore,
    SqlProviderSignInStore,
)

PURPOSE: Final = "oauth"
ID_TOKENS: Final = "oauth/id-tokens"


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthParts:
    """What sign-in with other providers adds to an application; nothing where there is none."""

    services: OAuthServices | None = None
    guards: tuple[Guard, ...] = ()

    @property
    def offered(self) -> Mapping[type, Any]:
        """What handlers may ask the exchange for."""
        return {} if self.services is None else {OAuthServices: self.services}


def oauth_parts(parts: Parts, accounts: AccountServices) -> OAuthParts:
    """The flows for the providers that are set.

    Raises ConfigurationError for a key of Apple's that cannot sign, or where httpx is missing.
    """
    settings = parts.settings.oauth
    providers = {each.name: each for each in settings.providers()}
    if not providers:
        return OAuthParts()
    # Needs the optional HTTP client.
    from zenith.oauth.http_client import ProviderHttp  # noqa: PLC0415

    for each in providers.values():
        if each.client_authentication == "apple":
            apple_key(each)
    http = ProviderHttp(timeout=settings.timeout)
    directory = Directory(http)
    flow = CodeFlow(
        pending=SqlAuthorizationStore(parts.database),
        http=http,
        directory=directory,
        key=derive(parts.secrets[0], PURPOSE),
        lifetime=settings.state_lifetime,
    )
    services = OAuthServices(
        providers=providers,
        flow=flow,
        sign_outs=_sign_outs(parts, accounts, flow, directory),
        identities=_identities(parts, accounts),
        hand_over=HandOver(secrets=parts.one_time, accounts=parts.account_store),
        limiter=parts.limiter,
        recent=require_factor(*accounts.step_up.kinds),
        settings=settings,
        origin=parts.settings.origin,
    )
    forms = any(each.response_mode == "form_post" for each in providers.values())
    guards = (FormAnswerGuard(providers.values()),) if forms else ()
    return OAuthParts(services=services, guards=guards)


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
        # In the database of the sessions, so that both are one step.
        spent=SqlProofStore(parts.database),
        sealer=Sealer(parts.secrets, purpose=ID_TOKENS),
        lifetime=max(longest, parts.settings.tokens.refresh_lifetime),
    )


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


def identity_checks(parts: Parts) -> dict[str, FactorCheck]:
    """Linked identities as a factor of step-up, where there are providers."""
    if not parts.settings.oauth.providers():
        return {}
    return {FACTOR: IdentityCheck(SqlIdentityStore(parts.database, parts.account_store))}


def authorization_prune(parts: Parts) -> Prune:
    """Removes states of those who never came back, and sign-ins that have expired."""
    store, spent = SqlAuthorizationStore(parts.database), SqlProofStore(parts.database)
    sign_ins = SqlProviderSignInStore(parts.database)

    async def prune() -> int:
        now = wall_clock()
        return sum([await each.prune(now=now) for each in (store, sign_ins, spent)])

    return prune
