"""Confirming that an e-mail address is its account's owner's."""

from __future__ import annotations

from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.email import canonical_email
from zenith.accounts.errors import MailLinkError
from zenith.accounts.evenness import EvenTime
from zenith.accounts.mail_flows.links import MailLinks
from zenith.accounts.store import Account, AccountStore, MailLinkStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import EventSink, EventType
from zenith.kernel.keys import digest
from zenith.kernel.one_step import one_step


class EmailVerification:
    """Mails links that confirm an address, and spends them.

    Threat: an account under somebody else's address (ASVS 6.4.1, 6.5.1), mail scanners that open
    links before people do: looking at a link spends nothing, sending its form does. And answers
    that tell which addresses have accounts (ASVS 6.3.8): where an address is known, its owner gets
    a mail instead of a stranger an answer.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        store: MailLinkStore,
        links: MailLinks,
        events: EventSink,
        even_time: EvenTime,
        required: bool,
        clock: Clock = wall_clock,
    ) -> None:
        self._accounts: Final = accounts
        self._store: Final = store
        self._links: Final = links
        self._events: Final = events
        self._even_time: Final = even_time
        self._clock: Final = clock
        self.required: Final = required

    async def registered(self, account: Account, *, created: bool) -> None:
        """Somebody registered: a new account is mailed its link, the owner of one that has the
        address a way in.

        Threat: a stranger who registers an address before its owner does, with a password of his
        own. The owner's own registration ends here, and the link replaces that password. A mail
        counts for the mailbox whatever was found, also where none is sent: by the next refusal
        everybody could count along.
        """
        may_mail = await self._links.may_mail(account.email_key, "way_in")
        if created:
            if may_mail:
                await self._links.send(account, "verify_email", "verify_email")
            return
        owner = await self._accounts.by_email(account.email_key)
        if may_mail and owner is not None and owner.is_active:
            await self._links.send(owner, "reset_password", "account_exists")

    def is_due(self, account: Account) -> bool:
        """Whether a right password does not suffice yet."""
        return self.required and account.email_verified_at is None

    async def remind(self, account: Account) -> None:
        """Mail another link to who knows the password. These mails are counted apart: by the
        counter of the mailbox, whoever registered it would learn that its account is his.
        """
        if await self._links.may_mail(account.email_key, "reminder"):
            await self._links.send(account, "verify_email", "verify_email")

    async def resend(self, email: str, *, client: Client) -> None:
        """Mail another link, if the address has an account that needs one; the caller cannot tell.

        Raises InvalidEmailError and RateLimitError.
        """
        _, key = canonical_email(email)
        await self._links.admit(client, mailbox=key, kind="confirmation")
        async with self._even_time():
            account = await self._accounts.by_email(key)
            if account is not None and account.is_active and account.email_verified_at is None:
                await self._links.send(account, "verify_email", "verify_email")

    async def check(self, token: str) -> str:
        """The address that the link would confirm. Raises MailLinkError."""
        return (await self._links.check(token, "verify_email")).email

    async def verify(self, token: str, *, client: Client) -> None:
        """Spend a link. Raises MailLinkError and RateLimitError."""
        await self._links.admit(client)
        await self._links.check(token, "verify_email")
        async with one_step():
            link = await self._store.verify_email(digest(token), now=self._clock())
            if link is None:
                raise MailLinkError(reason="spent or void")
            await self._events.record(
                client.event(
                    EventType.EMAIL_VERIFIED, "success", at=self._clock(), target=link.account_id
                )
            )
