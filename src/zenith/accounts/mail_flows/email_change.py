"""Another e-mail address for an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.abuse.disposable import DisposableDomains
from zenith.accounts.cleanup import AccountCleanup
from zenith.accounts.client import Client
from zenith.accounts.email import canonical_email
from zenith.accounts.errors import MailLinkError
from zenith.accounts.mail_flows.links import in_words
from zenith.accounts.mail_flows.parts import FlowParts, MailFlow
from zenith.accounts.notices import seen
from zenith.accounts.password_proof import PasswordProof
from zenith.accounts.recent import RecentAccounts
from zenith.accounts.store import Account, EmailChange, MailLink
from zenith.kernel.events import EventType, Severity
from zenith.kernel.keys import digest, new_token
from zenith.kernel.one_step import one_step
from zenith.kernel.principal import Principal
from zenith.mail import QueuedMail

LEAD: Final = 7 * 24 * 60 * 60
"""Seconds before a change of address within which a factor counts as the thief's: who steals an
account adds one of his own first. What is older still guards, and opens nothing alone."""


class EmailChanges(MailFlow):
    """Replaces an address once its new mailbox was read, and can bring the former one back.

    Threat: a stolen session that makes itself the owner by way of the address (ASVS 6.3.7, 7.5.1):
    the password is asked for, both addresses are told, and the former one gets a link that undoes
    it, ends every session and key, and removes the password and what was added lately to come in.
    Whether another account has the new address is told to its mailbox alone, and decided by the
    database (ASVS 6.3.8, 2.3.4).
    """

    def __init__(
        self,
        parts: FlowParts,
        *,
        recent: RecentAccounts,
        proof: PasswordProof,
        administrator_role: str,
        cleanups: Sequence[AccountCleanup] = (),
        disposable: DisposableDomains | None = None,
    ) -> None:
        super().__init__(parts, cleanups)
        self._disposable: Final = disposable
        self._recent: Final = recent
        self._proof: Final = proof
        self._administrator_role: Final = administrator_role

    async def ask(self, principal: Principal, email: str, password: str, *, client: Client) -> None:
        """Mail a link to the new address. Raises InvalidEmailError, DisposableEmailError,
        InvalidCredentialsError and RateLimitError; the answer is the same if the address is another
        account's.
        """
        shown, key = canonical_email(email)
        if self._disposable is not None:
            self._disposable.check(key)
        account = await self._proof.check(principal, password, client=client)
        await self._links.admit(client, mailbox=key, kind="confirmation")
        async with self._even_time():
            holder = await self._accounts.by_email(key)
            if holder is None or holder.id == account.id:
                await self._links.send(
                    account, "change_email", "confirm_new_email", to=(shown, key)
                )
            else:
                await self._notices.tell(holder, "email_taken")
            await self._notices.tell(account, "email_change_asked", **seen(client, self._clock()))
            await self._record(client, EventType.EMAIL_CHANGED, account.id, "asked for")

    async def confirm(self, token: str, *, client: Client) -> None:
        """Spend the link: the address changes. Raises MailLinkError, also where the address has
        become another account's meanwhile, and RateLimitError.
        """
        await self._links.admit(client)
        await self._links.check(token, "change_email")
        back, now = new_token(), self._clock()
        async with one_step():
            changed = await self._store.change_email(
                digest(token),
                revert=digest(back),
                now=now,
                until=now + self._links.lifetime("revert_email"),
                mails=lambda change: self._tell(change, back),
            )
            if changed is None:
                raise MailLinkError(reason="spent, void or taken")
            account_id = changed.account_id
            await self._record(client, EventType.EMAIL_CHANGED, account_id, "confirmed")
        self._recent.forget(account_id)
        self._notices.stored(None)

    async def revert(self, token: str, *, client: Client) -> None:
        """Spend the link of a former address: it comes back, every session and API key ends, the
        password is removed, and a link to set a new one is mailed. Linked identities go, and
        factors that were added from `LEAD` before the change on. Older factors stay, so that a
        mailbox that was given up or taken over does not open an account that has a second factor;
        but whoever added them, nothing of it opens the account alone: neither does an older passkey
        from then on.

        Raises MailLinkError and RateLimitError.
        """
        await self._links.admit(client)
        link = await self._links.check(token, "revert_email")
        squatter = await self._squatter(link)
        await self._take_back(link, client)
        async with one_step():
            reverted = await self._store.revert_email(
                digest(token), now=self._clock(), keep_one=self._administrator_role
            )
            if reverted is None:
                raise MailLinkError(reason="spent, or the address is another account's")
            await self._record(
                client, EventType.EMAIL_REVERTED, link.account_id, "", severity="WARNING"
            )
        await self._take_back(link, client)
        if squatter is not None and await self._accounts.by_id(squatter.id) is None:
            # Its rows went with the link; access tokens are believed without a look at them.
            await self._sign_in.end_all(squatter.id)
        account = await self._accounts.by_id(link.account_id)
        if account is not None:
            await self._links.send(account, "reset_password", "email_reverted")

    def _tell(self, change: EmailChange, back: str) -> Sequence[QueuedMail]:
        """Both owners are told in the step that changes the address: who dies after it has told
        the former one already how to undo it.
        """
        account_id, link = change.account_id, self._links.address("revert_email", back)
        lifetime = in_words(self._links.lifetime("revert_email"))
        return (
            *self._notices.owed(
                change.former, "email_changed", account_id=account_id, link=link, lifetime=lifetime
            ),
            *self._notices.owed(change.present, "email_is_new", account_id=account_id),
        )

    async def _squatter(self, link: MailLink) -> Account | None:
        """Who gives way to the owner of the address. Raises MailLinkError where somebody has it who
        does not, before anything ends: a link that brings nothing back ends nothing.
        """
        holder = await self._accounts.by_email(link.email_key)
        if holder is None or holder.id == link.account_id:
            return None
        if not link.displaces(holder):
            raise MailLinkError(reason="the address is another account's")
        return holder

    async def _take_back(self, link: MailLink, client: Client) -> None:
        since, reason = link.created_at - LEAD, "e-mail address brought back"
        await self._end_all(link.account_id, client, reason=reason, since=since)

    async def check(self, token: str, *, revert: bool = False) -> str:
        """The address that the link would set. Raises MailLinkError."""
        return (await self._links.check(token, "revert_email" if revert else "change_email")).email

    async def _record(
        self,
        client: Client,
        kind: EventType,
        account_id: str,
        reason: str,
        *,
        severity: Severity = "INFO",
    ) -> None:
        await self._events.record(
            client.event(
                kind,
                "success",
                at=self._clock(),
                target=account_id,
                reason=reason,
                severity=severity,
            )
        )
