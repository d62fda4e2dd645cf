"""Whose account an identity opens, and which identities open an account."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final, Protocol

from zenith.accounts import Account, AccountSettings, AccountStore, Client, SignIn, canonical_email
from zenith.accounts.errors import InvalidEmailError, RegistrationClosedError
from zenith.accounts.notices import seen
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    SecurityError,
)
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import new_id
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.oauth.errors import (
    AccountClosedError,
    EmailNeededError,
    IdentityTakenError,
    LastWayInError,
    NotLinkedError,
)
from zenith.oauth.id_token import ProvenIdentity
from zenith.oauth.provider import FACTOR, Provider
from zenith.oauth.store import Identity, IdentityStore

MAX_IDENTITIES: Final = 20
"""Links that one account may have."""


class Teller(Protocol):
    """Tells owners what happened to their account."""

    def tell(self, account: Account, notice: str, **facts: object) -> Awaitable[None]:
        """Queue a mail; whoever awaits it knows that it is stored."""
        ...


class Identities:
    """Links identities to accounts.

    Threat: taking over an account with an e-mail address that a provider did not verify, or that
    changed hands (RFC 9700 section 4.4, ASVS 10.5.2): nobody comes in by an e-mail address. An
    account is found by issuer and subject alone; a new one needs an address that the provider has
    verified and that has no account yet. Who links, and who removes the last way in, is decided by
    one step in the store.
    """

    def __init__(
        self,
        *,
        store: IdentityStore,
        accounts: AccountStore,
        sign_in: SignIn,
        events: EventSink,
        notices: Teller | None,
        settings: AccountSettings,
        sign_up: bool,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._accounts: Final = accounts
        self._sign_in: Final = sign_in
        self._events: Final = events
        self._notices: Final = notices
        self._settings: Final = settings
        self._sign_up: Final = sign_up
        self._clock: Final = clock

    async def account_of(
        self, provider: Provider, proven: ProvenIdentity, *, client: Client
    ) -> Account:
        """The account that the identity opens; a new one if it opens none and may.

        Raises AccountClosedError, NotLinkedError, EmailNeededError and RegistrationClosedError,
        which are recorded as any sign-in that failed (ASVS 16.3.1).
        """
        try:
            return await self._opened(provider, proven, client)
        except SecurityError as error:
            reason = f"{provider.name}: {error.reason or error.code}"
            await self._events.record(
                client.event(
                    EventType.LOGIN_FAILED,
                    "failure",
                    at=self._clock(),
                    scheme=FACTOR,
                    reason=reason,
                    severity="WARNING",
                )
            )
            raise

    async def confirmed(
        self, account_id: str, provider: Provider, *, session_id: str, client: Client
    ) -> None:
        """Record that the owner proved the identity again in a session."""
        await self._events.record(
            client.event(
                EventType.STEP_UP,
                "success",
                at=self._clock(),
                subject=account_id,
                session_id=session_id,
                scheme=FACTOR,
                reason=provider.name,
            )
        )

    async def _opened(self, provider: Provider, proven: ProvenIdentity, client: Client) -> Account:
        identity = await self._store.find(proven.issuer, proven.subject)
        if identity is None:
            created = await self._adopt(provider, proven, client)
            if created is not None:
                return created
            # Another callback was faster and linked the very same identity.
            identity = await self._store.find(proven.issuer, proven.subject)
        account = None if identity is None else await self._accounts.by_id(identity.account_id)
        if identity is None or account is None or not account.is_active:
            raise AccountClosedError(reason="the account of this identity is locked or gone")
        await self._store.note_use(identity.id, at=self._clock(), label=proven.label)
        return account

    async def is_linked(self, account_id: str, proven: ProvenIdentity) -> bool:
        """Whether the identity opens this account."""
        return await self.opens(account_id, proven.issuer, proven.subject)

    async def opens(self, account_id: str, issuer: str, subject: str) -> bool:
        """The same by the names of the identity."""
        identity = await self._store.find(issuer, subject)
        return identity is not None and identity.account_id == account_id

    async def of_account(self, account_id: str) -> Sequence[Identity]:
        """The account's links, oldest first."""
        return await self._store.of_account(account_id)

    async def link(
        self,
        account_id: str,
        provider: Provider,
        proven: ProvenIdentity,
        *,
        session_id: str,
        client: Client,
    ) -> None:
        """Let the identity open the account from now on.

        Raises IdentityTakenError if it opens another, ConflictError beyond `MAX_IDENTITIES`.
        """
        account = await self._accounts.by_id(account_id)
        if account is None or not account.is_active:
            raise AuthenticationError(reason="the account is locked or gone")
        identity = self._identity(account_id, provider, proven)
        async with one_step():
            outcome = await self._store.link(identity, most=MAX_IDENTITIES)
            if outcome == "linked":
                kind = EventType.IDENTITY_LINKED
                await self._note(kind, account_id, provider, client, session_id)
        if outcome == "full":
            raise ConflictError(f"An account has at most {MAX_IDENTITIES} linked identities")
        if outcome == "taken":
            raise IdentityTakenError(reason="linked to another account")
        if outcome == "linked":
            await self._tell(account, "identity_linked", provider.label, client)

    async def unlink(self, principal: Principal, identity_id: str, *, client: Client) -> None:
        """Remove a link of the principal's account; its other sign-ins end (ASVS 7.4.3).

        Raises NotFoundError, and LastWayInError if the owner could not come in any more.
        """
        links = await self._store.of_account(principal.subject)
        identity = next((each for each in links if each.id == identity_id), None)
        if identity is None:
            raise NotFoundError
        async with one_step():
            outcome = await self._store.unlink(principal.subject, identity_id, other_way=False)
            if outcome == "unknown":
                raise NotFoundError
            if outcome == "kept":
                raise LastWayInError(reason="neither password nor another identity")
            await self._events.record(
                client.event(
                    EventType.IDENTITY_UNLINKED,
                    "success",
                    at=self._clock(),
                    subject=principal.subject,
                    session_id=principal.session_id,
                    reason=identity.provider,
                    severity="WARNING",
                )
            )
        await self._sign_in.end_all(principal.subject, keep=principal.session_id)
        account = await self._accounts.by_id(principal.subject)
        if account is not None:
            await self._tell(account, "identity_unlinked", identity.provider, client)

    async def _adopt(
        self, provider: Provider, proven: ProvenIdentity, client: Client
    ) -> Account | None:
        """A new account, or None if the identity was linked a moment ago."""
        if not proven.email_verified:
            raise EmailNeededError(label=provider.label)
        try:
            shown, key = canonical_email(proven.email)
        except InvalidEmailError:
            raise EmailNeededError(label=provider.label) from None
        # Whoever owns the mailbox may know that it has an account, also where nobody can join.
        if await self._accounts.by_email(key) is not None:
            raise NotLinkedError(label=provider.label)
        if not (self._sign_up and self._settings.open_registration):
            raise RegistrationClosedError
        now = self._clock()
        account = Account(
            id=new_id(),
            email=shown,
            email_key=key,
            name=proven.name,
            roles=self._settings.default_roles,
            created_at=now,
            email_verified_at=now,
        )
        async with one_step():
            outcome = await self._store.adopt(account, self._identity(account.id, provider, proven))
            if outcome == "email_taken":
                raise NotLinkedError(label=provider.label)
            if outcome == "identity_taken":
                return None
            await self._note(EventType.ACCOUNT_CREATED, account.id, provider, client, "")
        return account

    def _identity(self, account_id: str, provider: Provider, proven: ProvenIdentity) -> Identity:
        now = self._clock()
        return Identity(
            id=new_id(),
            account_id=account_id,
            issuer=proven.issuer,
            subject=proven.subject,
            provider=provider.name,
            label=proven.label,
            created_at=now,
            last_used_at=now,
        )

    async def _note(
        self,
        kind: EventType,
        account_id: str,
        provider: Provider,
        client: Client,
        session_id: str,
    ) -> None:
        await self._events.record(
            client.event(
                kind,
                "success",
                at=self._clock(),
                subject=account_id,
                target=account_id,
                session_id=session_id or None,
                reason=provider.name,
                severity="INFO" if kind is EventType.ACCOUNT_CREATED else "WARNING",
            )
        )

    async def _tell(self, account: Account, notice: str, label: str, client: Client) -> None:
        if self._notices is not None:
            facts = seen(client, self._clock())
            await self._notices.tell(account, notice, provider=label, **facts)
