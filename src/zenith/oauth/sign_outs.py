"""The end of a sign-in, here and at the provider: each may end the other."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlencode

from zenith.accounts import Client
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.keys import new_id
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.kernel.sealing import Sealer
from zenith.oauth.code_flow import UNKNOWN_KEY, CodeFlow
from zenith.oauth.directory import Directory
from zenith.oauth.errors import LogoutTokenError, ProviderError
from zenith.oauth.id_token import ProvenIdentity
from zenith.oauth.logout_token import verify_logout_token
from zenith.oauth.provider import FACTOR, Provider
from zenith.oauth.store import ProviderSignIn, ProviderSignInStore
from zenith.sessions import SessionRecord
from zenith.tokens.store import ProofStore

MAX_HINT: Final = 6_000
"""Characters of an ID token that still fit into an address; a longer one is left out."""


class LiveSessions(Protocol):
    """Finds sessions."""

    async def list(self, account_id: str) -> Sequence[SessionRecord]:
        """The account's live sessions."""
        ...


class EndSession(Protocol):
    """Ends a sign-in of an account and records it; `SignIn.end_session` does."""

    def __call__(
        self, principal: Principal, session_id: str, *, client: Client, reason: str
    ) -> Awaitable[bool]:
        """Whether there was one."""
        ...


class EndWaiting(Protocol):
    """Ends what waits for a second factor of an account; `PendingStore.end_all` does."""

    def __call__(self, account_id: str) -> Awaitable[int]:
        """How many there were."""
        ...


class ProviderSignOuts:
    """Knows which sessions began at which provider, and ends the ones with the others.

    Threats: a person who signs out here, at a machine that others use, and is signed in again by
    one press of a button (OpenID Connect RP-Initiated Logout 1.0); a session here that outlives the
    one there, after a theft or the end of an employment (Back-Channel Logout 1.0, ASVS 7.4.1,
    10.6.2); and orders to end sessions that are forged or sent again.

    A session is known by the time of its factor `oauth`, which it keeps through second factors and
    tokens: so what began with one proof, or was confirmed by it, ends with it. `lifetime` is how
    long sessions may live at most, in seconds.
    """

    def __init__(
        self,
        store: ProviderSignInStore,
        *,
        flow: CodeFlow,
        directory: Directory,
        sessions: LiveSessions,
        end_session: EndSession,
        end_waiting: EndWaiting,
        spent: ProofStore,
        sealer: Sealer,
        lifetime: float,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._flow: Final = flow
        self._directory: Final = directory
        self._sessions: Final = sessions
        self._end_session: Final = end_session
        self._end_waiting: Final = end_waiting
        self._spent: Final = spent
        self._sealer: Final = sealer
        self._lifetime: Final = lifetime
        self._clock: Final = clock

    async def remember(self, provider: Provider, account_id: str, proven: ProvenIdentity) -> None:
        """Somebody enters the account by way of the provider; nothing for one that ends nothing."""
        if not provider.ends_sessions:
            return
        sign_in_id = new_id()
        hint = proven.id_token if len(proven.id_token) <= MAX_HINT else ""
        await self._store.remember(
            ProviderSignIn(
                id=sign_in_id,
                account_id=account_id,
                provider=provider.name,
                issuer=proven.issuer,
                subject=proven.subject,
                provider_session=proven.provider_session,
                proven_at=proven.authenticated_at,
                id_token=self._sealer.seal(hint.encode(), row=sign_in_id) if hint else "",
                expires_at=self._clock() + self._lifetime,
            )
        )

    async def stands(self, provider: Provider, account_id: str, proven_at: float) -> bool:
        """Whether the provider has not ended by now what was remembered with this proof: for who
        is still on the way in, by a second factor or a code for tokens.
        """
        if not provider.ends_sessions:
            return True
        return await self._store.find(account_id, proven_at) is not None

    async def leading_on(
        self,
        providers: Mapping[str, Provider],
        principal: Principal,
        back: Callable[[Provider], str],
    ) -> tuple[Provider, str] | None:
        """Where a browser goes to sign out of the provider as well, that signs out here: the
        provider and the address there. None where its sign-in did not come from there, where the
        settings do not ask for it, or where the provider has no such place or does not answer: who
        signs out here must be able to.

        `back` is the address to which the provider sends browsers afterwards.
        """
        proven_at = principal.factors.get(FACTOR)
        found = None
        if principal.kind == "user" and proven_at is not None:
            found = await self._store.find(principal.subject, proven_at)
        provider = None if found is None else providers.get(found.provider)
        if found is None or provider is None or not provider.end_session:
            return None
        try:
            endpoint = (await self._directory.endpoints(provider)).end_session
        except ProviderError:
            endpoint = ""
        if not endpoint:
            return None
        fields = {"client_id": provider.client_id, "post_logout_redirect_uri": back(provider)}
        opened = self._sealer.open(found.id_token, row=found.id) if found.id_token else None
        if opened is not None:
            fields["id_token_hint"] = opened[0].decode()
        separator = "&" if "?" in endpoint else "?"
        return provider, f"{endpoint}{separator}{urlencode(fields)}"

    async def obey(self, provider: Provider, token: str, *, client: Client) -> int:
        """End what a logout token names; how many sessions there were. None is no failure: they
        may have ended before.

        Raises LogoutTokenError for a token that does not hold or was sent before, ProviderError
        where the provider's keys cannot be had. The token is spent and the sessions end in one
        step: if that fails, it can be sent again.
        """
        now = self._clock()
        try:
            order = await self._flow.by_key(
                provider, lambda keys: verify_logout_token(token, keys, provider, now=now)
            )
        except ProviderError as error:
            if error.reason == UNKNOWN_KEY:
                raise LogoutTokenError(reason=UNKNOWN_KEY) from None
            raise
        name = hashlib.sha256(f"logout/{order.issuer}/{order.jti}".encode()).hexdigest()
        async with one_step():
            if not await self._spent.claim(name, now=now, expires_at=order.forget_at):
                raise LogoutTokenError(reason="sent before")
            found = await self._store.matching(
                order.issuer, subject=order.subject, provider_session=order.provider_session
            )
            ended = [await self._end(sign_in, client) for sign_in in found]
            await self._store.forget([sign_in.id for sign_in in found])
        # Once more, for who came in meanwhile: from here on all others see that it is forgotten.
        return sum(ended) + sum([await self._end(sign_in, client) for sign_in in found])

    async def _end(self, sign_in: ProviderSignIn, client: Client) -> int:
        owner, ended = Principal(subject=sign_in.account_id, scheme=FACTOR), 0
        # First: who finishes one that waits has stored a session before.
        await self._end_waiting(sign_in.account_id)
        for session in await self._sessions.list(sign_in.account_id):
            if session.factors.get(FACTOR) == sign_in.proven_at:
                reason = f"signed out at {sign_in.provider}"
                ended += await self._end_session(owner, session.id, client=client, reason=reason)
        return ended
