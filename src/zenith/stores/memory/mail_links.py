"""One-time links by mail, in process memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zenith.accounts.store import Account, ChangeMails, EmailChange, LinkPurpose, MailLink
from zenith.mail import QueuedMail
from zenith.stores.memory.accounts import MemoryAccountStore
from zenith.stores.memory.mail_queue import MemoryMailQueueStore

VOIDED: Final[tuple[LinkPurpose, ...]] = ("verify_email", "reset_password", "change_email")


class MemoryMailLinkStore:
    """Links that end with the process, over the accounts of a `MemoryAccountStore`. Nothing here
    waits between its first look and its last change, so each verb is one step. Beyond
    `max_entries` the oldest link is forgotten: its holder asks for another.
    """

    def __init__(
        self,
        accounts: MemoryAccountStore,
        *,
        queue: MemoryMailQueueStore | None = None,
        max_entries: int = 100_000,
    ) -> None:
        self._accounts: Final = accounts
        self._queue: Final = MemoryMailQueueStore() if queue is None else queue
        self._max: Final = max_entries
        self._links: Final[dict[str, MailLink]] = {}

    async def issue(self, link: MailLink, *, mail: QueuedMail | None = None) -> bool:
        """Remember a link and queue its mail."""
        while len(self._links) >= self._max:
            del self._links[next(iter(self._links))]
        self._links[link.digest] = link
        return mail is None or not self._queue.keep(mail)

    async def check(self, digest: str, *, purpose: LinkPurpose, now: float) -> MailLink | None:
        """The link if it is known and has not expired; changes nothing."""
        link = self._links.get(digest)
        usable = link is not None and link.purpose == purpose and link.expires_at > now
        return link if usable else None

    async def verify_email(self, digest: str, *, now: float) -> MailLink | None:
        """Spend the link and note that its address is the owner's."""
        link = await self.check(digest, purpose="verify_email", now=now)
        if link is None:
            return None
        self._end(link, lambda other: other.purpose == "verify_email")
        account = await self._accounts.by_id(link.account_id)
        if account is None or account.email_key != link.email_key:
            return None
        self._accounts.change(account.id, email_verified_at=now)
        return link

    async def reset_password(
        self, digest: str, password_hash: str, *, now: float
    ) -> MailLink | None:
        """Spend the link and replace the password."""
        link = await self.check(digest, purpose="reset_password", now=now)
        account = None if link is None else await self._as_issued(link)
        if link is None or account is None or account.email_key != link.email_key:
            return None
        verified = now if account.email_verified_at is None else account.email_verified_at
        self._accounts.change(
            account.id,
            password_hash=password_hash,
            password_changed_at=now,
            email_verified_at=verified,
        )
        self._end(link, lambda other: other.purpose in VOIDED)
        return link

    async def change_email(
        self, digest: str, *, revert: str, now: float, until: float, mails: ChangeMails
    ) -> EmailChange | None:
        """Spend the link, replace the address, issue the link that brings it back, and queue the
        mails that tell of it.
        """
        link = await self.check(digest, purpose="change_email", now=now)
        account = None if link is None else await self._as_issued(link)
        if link is None or account is None or not self._set_email(link, now):
            return None
        self._end(link, lambda other: other.purpose in VOIDED)
        await self.issue(
            MailLink(
                digest=revert,
                purpose="revert_email",
                account_id=account.id,
                email=account.email,
                email_key=account.email_key,
                password_changed_at=None,
                created_at=now,
                expires_at=until,
            )
        )
        change = EmailChange(account_id=account.id, former=account.email, present=link.email)
        self._queue.keep(*mails(change))
        return change

    async def revert_email(
        self, digest: str, *, now: float, keep_one: str | None
    ) -> MailLink | None:
        """Spend the link, bring its address back and remove the password."""
        link = await self.check(digest, purpose="revert_email", now=now)
        if link is None or await self._accounts.by_id(link.account_id) is None:
            return None
        holder = self._accounts.find(link.email_key)
        if holder is not None and holder.id != link.account_id and link.displaces(holder):
            await self._accounts.delete(holder.id, keep_one=keep_one)
        if not self._set_email(link, now):
            return None
        self._accounts.change(link.account_id, password_hash=None, password_changed_at=now)
        self._end(link, lambda other: other.created_at >= link.created_at)
        return link

    async def prune(self, *, now: float) -> int:
        """Remove expired links; how many there were."""
        expired = [key for key, link in self._links.items() if link.expires_at <= now]
        for key in expired:
            del self._links[key]
        return len(expired)

    async def _as_issued(self, link: MailLink) -> Account | None:
        account = await self._accounts.by_id(link.account_id)
        if account is None or not account.is_active:
            return None
        return account if account.password_changed_at == link.password_changed_at else None

    def _set_email(self, link: MailLink, now: float) -> bool:
        return self._accounts.change(
            link.account_id, email=link.email, email_key=link.email_key, email_verified_at=now
        )

    def _end(self, spent: MailLink, dies: Callable[[MailLink], bool]) -> None:
        """Remove the spent link and those of its account that die with it."""
        ended = [
            link.digest
            for link in self._links.values()
            if link.account_id == spent.account_id and (link is spent or dies(link))
        ]
        for key in ended:
            del self._links[key]
