"""How an account comes to be."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Final

from zenith.abuse.disposable import DisposableDomains
from zenith.accounts.client import Client
from zenith.accounts.email import canonical_email
from zenith.accounts.errors import (
    InvalidNameError,
    RegistrationClosedError,
    SetupLinkError,
    WeakPasswordError,
)
from zenith.accounts.evenness import EvenTime
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.mail_flows.verification import EmailVerification
from zenith.accounts.settings import AccountSettings
from zenith.accounts.store import Account, AccountStore, OneTimeStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConflictError
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import digest, new_id, new_token
from zenith.kernel.one_step import one_step
from zenith.passwords import PasswordHasher, PasswordJudge

SETUP_PURPOSE: Final = "setup"
SETUP_SUBJECT: Final = "administrator"
MAX_NAME: Final = 100
DISPOSABLE: Final = "disposable e-mail address"
_JOINERS: Final = dict.fromkeys(map(ord, "\u200c\u200d"))
"""Print nothing by themselves, yet names of some scripts are not written without them."""


class Registration:
    """Makes accounts.

    Threat: an answer that tells whether an e-mail is registered (ASVS 6.3.8), and two requests
    that both register it (ASVS 2.3.4: the store's uniqueness decides).
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        secrets: OneTimeStore,
        hasher: PasswordHasher,
        judge: PasswordJudge,
        limits: AttemptLimits,
        events: EventSink,
        settings: AccountSettings,
        administrator_role: str,
        clock: Clock = wall_clock,
        even_time: EvenTime | None = None,
        verification: EmailVerification | None = None,
        disposable: DisposableDomains | None = None,
    ) -> None:
        self._accounts: Final = accounts
        self._secrets: Final = secrets
        self._hasher: Final = hasher
        self._judge: Final = judge
        self._limits: Final = limits
        self._events: Final = events
        self._settings: Final = settings
        self._administrator_role: Final = administrator_role
        self._clock: Final = clock
        self._even_time: Final = even_time or EvenTime(settings.register_seconds)
        self._verification: Final = verification
        self._disposable: Final = disposable

    async def register(
        self, email: str, password: str, *, client: Client, name: str = "", caught: str = ""
    ) -> None:
        """Make an account, unless the e-mail has one; the caller cannot tell which. Where there is
        mail, a new account is mailed a link, and the owner of one that exists is told. `caught`
        says why it is a program that asks: it is answered alike, and no account is made.

        Raises InvalidEmailError, DisposableEmailError, InvalidNameError, WeakPasswordError,
        RateLimitError, ChallengeRequiredError, RegistrationClosedError and
        ServiceUnavailableError.
        """
        if not self._settings.open_registration:
            raise RegistrationClosedError
        await self._limits.admit_registration(client)
        account = await self._draft(email, password, name, self._settings.default_roles)
        is_marked = self._disposable is not None and self._disposable.check(account.email_key)
        async with self._even_time():
            password_hash = await self._hasher.hash(password)
            if caught:
                await self._tell(client, caught)
                return
            account = _with_hash(account, password_hash)
            created = await self._create(account, client, is_marked=is_marked)
            if self._verification is not None:
                await self._verification.registered(account, created=created)

    async def _tell(self, client: Client, reason: str) -> None:
        event = client.event(
            EventType.BOT_CAUGHT,
            "denied",
            at=self._clock(),
            target="register",
            reason=reason,
            severity="WARNING",
        )
        await self._events.record(event)

    async def _create(self, account: Account, client: Client, *, is_marked: bool) -> bool:
        async with one_step():
            created = await self._accounts.create(account)
            await self._events.record(
                client.event(
                    EventType.ACCOUNT_CREATED if created else EventType.ACCOUNT_DUPLICATE,
                    "success" if created else "failure",
                    at=self._clock(),
                    target=account.id if created else None,
                    reason=(DISPOSABLE if is_marked else "") if created else "e-mail is registered",
                    severity="WARNING" if created and is_marked else "INFO",
                )
            )
        return created

    async def issue_setup_secret(self) -> str | None:
        """A secret that creates the administrator once; None if there is one already.

        A new secret replaces the one before.
        """
        if await self._accounts.has_role(self._administrator_role):
            return None
        secret = new_token()
        now = self._clock()
        await self._secrets.put(
            digest(secret),
            purpose=SETUP_PURPOSE,
            subject=SETUP_SUBJECT,
            now=now,
            expires_at=now + self._settings.setup_link_lifetime,
        )
        return secret

    async def check_setup_secret(self, secret: str) -> None:
        """Raise SetupLinkError unless the secret could be used now."""
        found = await self._secrets.check(digest(secret), purpose=SETUP_PURPOSE, now=self._clock())
        if found is None or await self._accounts.has_role(self._administrator_role):
            raise SetupLinkError

    async def create_administrator(
        self, secret: str, email: str, password: str, *, client: Client
    ) -> Account:
        """Spend the setup secret for the first administrator's account.

        Threat: a stranger who reaches a fresh installation first. The secret was shown on the
        operator's terminal alone, and of all who hold it one succeeds: the store makes the account
        only if no administrator exists. Raises SetupLinkError, ConflictError, InvalidEmailError
        and WeakPasswordError.
        """
        await self._limits.admit_registration(client, is_setup=True)
        # First of all: no work is done for a stranger, and none is told about passwords.
        await self.check_setup_secret(secret)
        draft = await self._draft(email, password, "", (self._administrator_role,))
        account = _with_hash(draft, await self._hasher.hash(password))
        # The operator vouches for the address: a mail server that is not set up yet must not keep
        # the first administrator out.
        account = replace(account, email_verified_at=account.created_at)
        async with one_step():
            await self._create_first(account)
            # From here on the secret opens nothing, since there is an administrator: `create_first`
            # decided. Removing it is tidiness.
            await self._secrets.consume(digest(secret), purpose=SETUP_PURPOSE, now=self._clock())
            await self._events.record(
                client.event(
                    EventType.ADMINISTRATOR_CREATED,
                    "success",
                    at=self._clock(),
                    target=account.id,
                    severity="WARNING",
                )
            )
        return account

    async def _create_first(self, account: Account) -> None:
        role = self._administrator_role
        if not await self._accounts.create_first(account, role=role):
            if await self._accounts.has_role(role):
                raise SetupLinkError(reason="there is an administrator")
            raise ConflictError("This e-mail has an account already; use another one")

    async def _draft(self, email: str, password: str, name: str, roles: tuple[str, ...]) -> Account:
        shown, key = canonical_email(email)
        name = _clean_name(name)
        result = await self._judge.check(password, context=(key, name))
        if not result.ok:
            raise WeakPasswordError.of(result, field="password")
        return Account(
            id=new_id(),
            email=shown,
            email_key=key,
            name=name,
            roles=roles,
            created_at=self._clock(),
        )


def _clean_name(name: str) -> str:
    """Threat: control characters that rewrite terminals and logs, or that a database refuses."""
    name = unicodedata.normalize("NFC", name.strip())
    if len(name) > MAX_NAME or not name.translate(_JOINERS).isprintable():
        raise InvalidNameError
    return name


def _with_hash(account: Account, password_hash: str) -> Account:
    return replace(account, password_hash=password_hash, password_changed_at=account.created_at)
