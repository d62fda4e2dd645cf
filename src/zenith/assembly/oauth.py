"""Sign-in with other providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from zenith.accounts import AccountServices, FactorCheck
from zenith.assembly.parts import Parts
from zenith.kernel.clock import CLOCK_MARGIN, wall_clock
from zenith.kernel.records import dataclass
from zenith.pipeline import Guard
from zenith.stores.foundation import Prune
from zenith.stores.sql import (
    SqlAuthorizationStore,
    SqlIdentityStore,
    SqlProofStore,
    SqlProviderSignInStore,
)

if TYPE_CHECKING:
    from zenith.oauth import OAuthServices


@dataclass(frozen=True, kw_only=True, slots=True)
class OAuthParts:
    """What sign-in with other providers adds to an application; nothing where there is none."""

    services: OAuthServices | None = None
    guards: tuple[Guard, ...] = ()
    offered: Mapping[type, Any] = field(default_factory=dict[type, Any])
    """What handlers may ask the exchange for."""


def oauth_parts(parts: Parts, accounts: AccountServices) -> OAuthParts:
    """The flows for the providers that are set.

    Raises ConfigurationError for a key of Apple's that cannot sign, or where httpx is missing.
    """
    if not parts.settings.oauth.providers():
        return OAuthParts()
    # Most applications have none, and need neither the flows nor the HTTP client.
    from zenith.assembly.providers import provider_flows  # noqa: PLC0415

    services, guards = provider_flows(parts, accounts)
    return OAuthParts(services=services, guards=guards, offered={type(services): services})


def identity_checks(parts: Parts) -> dict[str, FactorCheck]:
    """Linked identities as a factor of step-up, where there are providers."""
    providers = parts.settings.oauth.providers()
    if not providers:
        return {}
    from zenith.oauth import FACTOR, IdentityCheck  # noqa: PLC0415  loaded where it is used

    identities = SqlIdentityStore(parts.database, parts.account_store)
    return {FACTOR: IdentityCheck(identities, [each.name for each in providers if each.is_openid])}


def authorization_prune(parts: Parts) -> Prune:
    """Removes states of those who never came back, and sign-ins that have expired."""
    store, spent = SqlAuthorizationStore(parts.database), SqlProofStore(parts.database)
    sign_ins = SqlProviderSignInStore(parts.database)

    async def prune() -> int:
        now = wall_clock()
        pruned = sum([await each.prune(now=now) for each in (store, sign_ins)])
        return pruned + await spent.prune(now=now - CLOCK_MARGIN)

    return prune
