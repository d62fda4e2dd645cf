"""Authorization Code with PKCE, state, nonce and issuer check: from leaving to a proven identity.

Source: RFC 9700 section 2.1, RFC 7636, RFC 9207, OpenID Connect Core 1.0 section 3.1, ASVS 10.2.1,
10.2.2, 10.4.6, 10.5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.keys import digest, new_token
from zenith.kernel.records import dataclass
from zenith.oauth.authorization import (
    MAX_PATH,
    RANDOM,
    AuthorizationAnswer,
    FlowSecrets,
    Wish,
    authorization_fields,
    authorization_url,
)
from zenith.oauth.client_authentication import authenticate_client
from zenith.oauth.directory import Directory, Source
from zenith.oauth.errors import (
    AuthorizationDeniedError,
    AuthorizationStateError,
    NotAskedError,
    ProviderError,
)
from zenith.oauth.id_token import LEEWAY, ProvenIdentity, verify_id_token, verify_userinfo
from zenith.oauth.profile import discord_identity, github_identity, with_userinfo
from zenith.oauth.provider import Endpoints, Provider
from zenith.oauth.store import AuthorizationStore, PendingAuthorization
from zenith.tokens import KeyRing, TokenError

DECLINED: Final = frozenset(
    {"access_denied", "user_cancelled_authorize", "login_required", "consent_required"}
    | {"interaction_required", "account_selection_required"}
)
MAX_TOKEN: Final = 8192
T = TypeVar("T")


class Http(Source, Protocol):
    """Speaks with providers."""

    async def get(self, url: str, *, bearer: str = "") -> dict[str, Any]:
        """The JSON object at `url`."""
        ...

    async def post(
        self, url: str, form: dict[str, str], *, headers: dict[str, str]
    ) -> dict[str, Any]:
        """The answer of an endpoint for tokens or pushed requests."""
        ...

    async def userinfo(self, url: str, *, bearer: str) -> dict[str, Any] | str:
        """The claims at `url`, or the compact token that they are signed in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Somebody came back from a provider, proven."""

    identity: ProvenIdentity
    pending: PendingAuthorization


UNKNOWN_KEY: Final = "signed by an unknown key"


class CodeFlow:
    """Sends browsers to providers and believes what they bring back only if all of it fits.

    Threat: login CSRF and fixed states, replayed answers, injected codes and tokens, and a provider
    that answers in another's name (RFC 9700 sections 4.4, 4.5, 4.7). A state counts once, in the
    browser and for the provider that it was made for; the store's one step decides. And a browser
    that somebody has borrowed, where the provider lets everybody through who is signed in there: a
    confirmation counts only if the provider was told to ask, and says that it did (section
    3.1.2.1 of OpenID Connect Core, `auth_time`; ASVS 7.5.3).

    `key` derives what is secret about a sign-in; `lifetime` is in seconds. With `believe_undated`
    a sign-in counts as a proof of its moment though the provider does not say when it asked.
    """

    def __init__(
        self,
        *,
        pending: AuthorizationStore,
        http: Http,
        directory: Directory,
        key: bytes,
        lifetime: float,
        believe_undated: bool = False,
        clock: Clock = wall_clock,
        random: Callable[[], str] = new_token,
    ) -> None:
        self._pending: Final = pending
        self._http: Final = http
        self._directory: Final = directory
        self._key: Final = key
        self._lifetime: Final = lifetime
        self._believe_undated: Final = believe_undated
        self._clock: Final = clock
        self._random: Final = random

    async def begin(
        self, provider: Provider, wish: Wish, *, browser: str, redirect_uri: str
    ) -> str:
        """The address at the provider to which this `browser` goes now. `browser` is the value of
        its cookie. Raises ProviderError if the provider cannot be asked where it is, and
        NotAskedError for a confirmation by one that never says when it asked.
        """
        if wish.purpose == "confirm" and not provider.is_openid:
            raise NotAskedError(label=provider.label)
        endpoints = await self._directory.endpoints(provider)
        secrets = FlowSecrets.of(self._key, state=self._random(), browser=browser)
        now = self._clock()
        await self._pending.put(
            PendingAuthorization(
                digest=digest(secrets.state),
                browser=digest(browser),
                provider=provider.name,
                purpose=wish.purpose,
                wanted=wish.wanted,
                challenge=wish.challenge,
                account_id=wish.account_id,
                session_id=wish.session_id,
                created_at=now,
                expires_at=now + self._lifetime,
            )
        )
        fields = authorization_fields(
            provider, secrets, redirect_uri=redirect_uri, extra=wish.extra
        )
        if endpoints.pushed:
            fields = await self._push(provider, endpoints, fields)
        return authorization_url(endpoints, fields)

    async def _push(
        self, provider: Provider, endpoints: Endpoints, fields: dict[str, str]
    ) -> dict[str, str]:
        """Hand the request in, so that the browser carries a reference that it cannot change.

        Threat: a request that is altered or read on its way through the browser (RFC 9126, ASVS
        10.4.13). There is no way back to a request in the open: it could be forced.
        """
        form, headers = authenticate_client(provider, fields, now=self._clock())
        answer = await self._http.post(endpoints.pushed, form, headers=headers)
        found = answer.get("request_uri")
        if not isinstance(found, str) or not 0 < len(found) <= MAX_PATH:
            raise ProviderError(
                reason=f"pushed request: {str(answer.get('error', 'no request_uri'))[:40]!r}"
            )
        return {"client_id": provider.client_id, "request_uri": found}

    async def finish(
        self,
        provider: Provider,
        answer: AuthorizationAnswer,
        *,
        browser: str,
        redirect_uri: str,
    ) -> Returned:
        """Who came back. Spends the state, whatever comes of it.

        Raises AuthorizationStateError, AuthorizationDeniedError, NotAskedError and ProviderError.
        """
        pending = await self._spend(provider, answer, browser)
        endpoints = await self._directory.endpoints(provider)
        _check_issuer(provider, endpoints, answer)
        if answer.error or not answer.code:
            if answer.error in DECLINED:
                raise AuthorizationDeniedError(label=provider.label, reason=answer.error)
            raise ProviderError(reason=f"the provider answered the error {answer.error[:40]!r}")
        secrets = FlowSecrets.of(self._key, state=answer.state, browser=browser)
        tokens = await self._exchange(provider, endpoints, answer.code, secrets, redirect_uri)
        identity = await self._identify(provider, endpoints, tokens, secrets, pending)
        return Returned(identity=self._dated(provider, identity, pending), pending=pending)

    def _dated(
        self, provider: Provider, identity: ProvenIdentity, pending: PendingAuthorization
    ) -> ProvenIdentity:
        if pending.purpose == "confirm":
            if identity.authenticated_at < pending.created_at - LEEWAY:
                raise NotAskedError(label=provider.label)
        elif self._believe_undated and not identity.is_dated:
            return replace(identity, authenticated_at=self._clock())
        return identity

    async def _spend(
        self, provider: Provider, answer: AuthorizationAnswer, browser: str
    ) -> PendingAuthorization:
        if not RANDOM.fullmatch(answer.state) or not RANDOM.fullmatch(browser):
            raise AuthorizationStateError(reason="no state, or no cookie of the browser that left")
        pending = await self._pending.consume(
            digest(answer.state),
            browser=digest(browser),
            provider=provider.name,
            now=self._clock(),
        )
        if pending is None:
            raise AuthorizationStateError(reason="unknown, spent, expired or another's state")
        return pending

    async def _exchange(
        self,
        provider: Provider,
        endpoints: Endpoints,
        code: str,
        secrets: FlowSecrets,
        redirect_uri: str,
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": secrets.verifier,
        }
        form, headers = authenticate_client(provider, form, now=self._clock())
        tokens = await self._http.post(endpoints.token, form, headers=headers)
        if "error" in tokens:
            raise ProviderError(reason=f"token endpoint: {str(tokens['error'])[:40]!r}")
        token, kind = tokens.get("access_token"), str(tokens.get("token_type", "")).lower()
        if not isinstance(token, str) or not _is_bearer(token) or kind != "bearer":
            raise ProviderError(reason="token endpoint: no bearer token")
        return tokens

    async def _identify(
        self,
        provider: Provider,
        endpoints: Endpoints,
        tokens: dict[str, Any],
        secrets: FlowSecrets,
        pending: PendingAuthorization,
    ) -> ProvenIdentity:
        access_token: str = tokens["access_token"]
        if not provider.is_openid:
            user = await self._http.get(endpoints.userinfo, bearer=access_token)
            if provider.profile == "discord":
                return discord_identity(provider, user, now=self._clock())
            emails = await self._http.get(f"{endpoints.userinfo}/emails", bearer=access_token)
            return github_identity(provider, user, emails, now=self._clock())
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderError(reason="token endpoint: no ID token")
        identity = await self._verify(provider, id_token, access_token, secrets, pending)
        if identity.email or not endpoints.userinfo or provider.email_trust == "microsoft":
            return identity
        claims = await self._userinfo(provider, endpoints, access_token, identity)
        return with_userinfo(provider, identity, claims)

    async def _userinfo(
        self,
        provider: Provider,
        endpoints: Endpoints,
        access_token: str,
        identity: ProvenIdentity,
    ) -> Mapping[str, Any]:
        found = await self._http.userinfo(endpoints.userinfo, bearer=access_token)
        if not isinstance(found, str):
            return found
        now = self._clock()
        return await self.by_key(
            provider, lambda keys: verify_userinfo(found, keys, provider, identity, now=now)
        )

    async def _verify(
        self,
        provider: Provider,
        id_token: str,
        access_token: str,
        secrets: FlowSecrets,
        pending: PendingAuthorization,
    ) -> ProvenIdentity:
        now = self._clock()
        return await self.by_key(
            provider,
            lambda keys: verify_id_token(
                id_token,
                keys,
                provider,
                expected_nonce=secrets.nonce,
                access_token=access_token,
                begun_at=pending.created_at,
                now=now,
            ),
        )

    async def by_key(self, provider: Provider, verify: Callable[[KeyRing], T]) -> T:
        """What `verify` says by the provider's keys, and by its newest where it knows none."""
        for renewed in (False, True):
            keys = await self._directory.keys(provider, renewed=renewed)
            try:
                return verify(keys)
            except TokenError:
                continue
        raise ProviderError(reason=UNKNOWN_KEY)


def _check_issuer(provider: Provider, endpoints: Endpoints, answer: AuthorizationAnswer) -> None:
    """Threat: mix-up, another provider's answer at this one's address (RFC 9207 section 2.4)."""
    if answer.issuer is None:
        if endpoints.issuer_in_response:
            raise AuthorizationStateError(reason="the answer names no issuer")
    elif provider.issuer_template:
        return  # Of many tenants: the ID token tells whose it is, and is checked.
    elif answer.issuer != provider.issuer:
        raise AuthorizationStateError(reason="the answer names another issuer")


def _is_bearer(token: str) -> bool:
    return 0 < len(token) <= MAX_TOKEN and token.isascii() and token.isprintable()
