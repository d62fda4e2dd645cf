"""Sign-in with other providers: OAuth 2 and OpenID Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader

if TYPE_CHECKING:
    from zenith.oauth.authorization import AuthorizationAnswer, FlowSecrets, Wish
    from zenith.oauth.code_flow import CodeFlow, Returned
    from zenith.oauth.confirmation import IdentityCheck
    from zenith.oauth.directory import Directory
    from zenith.oauth.errors import (
        AccountClosedError,
        AuthorizationDeniedError,
        AuthorizationStateError,
        EmailNeededError,
        FormAnswerError,
        HandOverError,
        IdentityTakenError,
        LastWayInError,
        LogoutTokenError,
        NotAskedError,
        NotLinkedError,
        ProviderError,
    )
    from zenith.oauth.guard import FormAnswerGuard
    from zenith.oauth.hand_over import HandOver
    from zenith.oauth.id_token import ProvenIdentity
    from zenith.oauth.identities import MAX_IDENTITIES, Identities
    from zenith.oauth.journey import arrive, depart, leading_on
    from zenith.oauth.logout_token import LogoutOrder, verify_logout_token
    from zenith.oauth.provider import Endpoints, Provider
    from zenith.oauth.routes import oauth_router, signed_in_wish
    from zenith.oauth.services import FACTOR, OAuthPages, OAuthServices
    from zenith.oauth.settings import (
        Apple,
        Discord,
        GitHub,
        GitLab,
        Google,
        Microsoft,
        OAuthSettings,
        OpenIDConnect,
    )
    from zenith.oauth.sign_outs import ProviderSignOuts
    from zenith.oauth.store import (
        Adoption,
        AuthorizationStore,
        Identity,
        IdentityStore,
        Linking,
        PendingAuthorization,
        ProviderSignIn,
        ProviderSignInStore,
        Unlinking,
    )

__all__ = [
    "FACTOR",
    "MAX_IDENTITIES",
    "AccountClosedError",
    "Adoption",
    "Apple",
    "AuthorizationAnswer",
    "AuthorizationDeniedError",
    "AuthorizationStateError",
    "AuthorizationStore",
    "CodeFlow",
    "Directory",
    "Discord",
    "EmailNeededError",
    "Endpoints",
    "FlowSecrets",
    "FormAnswerError",
    "FormAnswerGuard",
    "GitHub",
    "GitLab",
    "Google",
    "HandOver",
    "HandOverError",
    "Identities",
    "Identity",
    "IdentityCheck",
    "IdentityStore",
    "IdentityTakenError",
    "LastWayInError",
    "Linking",
    "LogoutOrder",
    "LogoutTokenError",
    "Microsoft",
    "NotAskedError",
    "NotLinkedError",
    "OAuthPages",
    "OAuthServices",
    "OAuthSettings",
    "OpenIDConnect",
    "PendingAuthorization",
    "ProvenIdentity",
    "Provider",
    "ProviderError",
    "ProviderSignIn",
    "ProviderSignInStore",
    "ProviderSignOuts",
    "Returned",
    "Unlinking",
    "Wish",
    "arrive",
    "depart",
    "leading_on",
    "oauth_router",
    "signed_in_wish",
    "verify_logout_token",
]

# Most applications have no other provider: each name is loaded when it is asked for.
__getattr__ = loader(
    __name__,
    {
        "AccountClosedError": "errors",
        "Adoption": "store",
        "Apple": "settings",
        "AuthorizationAnswer": "authorization",
        "AuthorizationDeniedError": "errors",
        "AuthorizationStateError": "errors",
        "AuthorizationStore": "store",
        "CodeFlow": "code_flow",
        "Directory": "directory",
        "Discord": "settings",
        "EmailNeededError": "errors",
        "Endpoints": "provider",
        "FACTOR": "services",
        "FlowSecrets": "authorization",
        "FormAnswerError": "errors",
        "FormAnswerGuard": "guard",
        "GitHub": "settings",
        "GitLab": "settings",
        "Google": "settings",
        "HandOver": "hand_over",
        "HandOverError": "errors",
        "Identities": "identities",
        "Identity": "store",
        "IdentityCheck": "confirmation",
        "IdentityStore": "store",
        "IdentityTakenError": "errors",
        "LastWayInError": "errors",
        "Linking": "store",
        "LogoutOrder": "logout_token",
        "LogoutTokenError": "errors",
        "MAX_IDENTITIES": "identities",
        "Microsoft": "settings",
        "NotAskedError": "errors",
        "NotLinkedError": "errors",
        "OAuthPages": "services",
        "OAuthServices": "services",
        "OAuthSettings": "settings",
        "OpenIDConnect": "settings",
        "PendingAuthorization": "store",
        "ProvenIdentity": "id_token",
        "Provider": "provider",
        "ProviderError": "errors",
        "ProviderSignIn": "store",
        "ProviderSignInStore": "store",
        "ProviderSignOuts": "sign_outs",
        "Returned": "code_flow",
        "Unlinking": "store",
        "Wish": "authorization",
        "arrive": "journey",
        "depart": "journey",
        "leading_on": "journey",
        "oauth_router": "routes",
        "signed_in_wish": "routes",
        "verify_logout_token": "logout_token",
    },
)
