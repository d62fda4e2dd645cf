"""A forgotten password: asked for by anybody, replaced by whoever reads the mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.accounts.cleanup import AccountCleanup, clean_up
from zenith.accounts.client import Client
from zenith.accounts.email import canonical_email
from zenith.accounts.errors import MailLinkError, WeakPasswordError
from zenith.accounts.limits import AttemptLimits
from zenith.accounts.mail_flows.parts import FlowParts, MailFlow
from zenith.accounts.notices import seen
from zenith.accounts.store import Account, MailLink
from zenith.kernel.events import EventType
from zenith.kernel.keys import digest
from zenith.kernel.one_step import one_step
from zenith.passwords import PasswordHasher, PasswordJudge

REASON: Final = "password reset"


class PasswordReset(MailFlow):
    """Mails links that replace a password, and spends them.

    Threat: answers, by content or by time, that tell which addresses have accounts (ASVS 6.3.8); a
    link that outlives what it was made for, or is used twice (ASVS 6.4.3, 6.5.1): whatever changes
    password or address voids it; and a thief whose sessions outlive the reset (ASVS 7.4.3). Second
    factors stay as they are (ASVS 6.4.4). And a stranger who registered the address before its
    owner did: until now nobody had read mail there, so `first_cleanups` end what opens the account
    beside the password.
    """

    def __init__(
        self,
        parts: FlowParts,
        *,
        hasher: PasswordHasher,
        judge: PasswordJudge,
        limits: AttemptLimits,
        cleanups: Sequence[AccountCleanup] = (),
        first_cleanups: Sequence[AccountCleanup] = (),
    ) -> None:
        super().__init__(parts, cleanups)
        self._first_cleanups: Final = tuple(first_cleanups)
        self._hasher: Final = hasher
        self._judge: Final = judge
        self._limits: Final = limits

    async def ask(self, email: str, *, client: Client) -> None:
        """Mail a link, if the address has an open account; the caller cannot tell.

        Raises InvalidEmailError, RateLimitError and ChallengeRequiredError.
        """
        _, key = canonical_email(email)
        await self._limits.admit_reset(client)
        await self._links.admit(client, mailbox=key)
        async with self._even_time():
            account = await self._accounts.by_email(key)
            is_open = account is not None and account.is_active
            if account is not None and is_open:
                await self._links.send(account, "reset_password", "reset_password")
            await self._events.record(
                client.event(
                    EventType.PASSWORD_RESET,
                    "success" if is_open else "failure",
                    at=self._clock(),
                    target=None if account is None else account.id,
                    reason="" if is_open else "no open account has this e-mail",
                )
            )

    async def check(self, token: str) -> str:
        """The address of the account. Raises MailLinkError."""
        return (await self._links.check(token, "reset_password")).email

    async def reset(self, token: str, password: str, *, client: Client) -> None:
        """Spend a link for a new password; every session, token and API key of the account ends.

        Raises MailLinkError, WeakPasswordError and RateLimitError. A refused password spends
        nothing.
        """
        await self._links.admit(client)
        link = await self._links.check(token, "reset_password")
        account = await self._accounts.by_id(link.account_id)
        if account is None or not _is_as_issued(account, link):
            # Before anything ends: a link that is void ends nothing.
            raise MailLinkError(reason="the account is gone, or is not as it was")
        result = await self._judge.check(password, context=(account.email_key, account.name))
        if not result.ok:
            raise WeakPasswordError.of(result, field="new_password")
        hashed = await self._hasher.hash(password)
        # Before and after: no failure from here on leaves a thief signed in beside the new
        # password, nor anybody who signs in with the old one meanwhile.
        await self._end(account, client)
        async with one_step():
            if await self._store.reset_password(digest(token), hashed, now=self._clock()) is None:
                raise MailLinkError(reason="spent or void")
            await self._events.record(
                client.event(
                    EventType.PASSWORD_CHANGED,
                    "success",
                    at=self._clock(),
                    target=account.id,
                    reason="by a mailed link",
                )
            )
        await self._end(account, client)
        # Whoever reads the mailbox is let in from a new device, whatever strangers did before.
        await self._limits.lift(account)
        await self._notices.tell(account, "password_reset", **seen(client, self._clock()))

    async def _end(self, account: Account, client: Client) -> None:
        await self._end_all(account.id, client, reason=REASON)
        if account.email_verified_at is None:
            await clean_up(self._first_cleanups, account.id, reason=REASON, client=client)


def _is_as_issued(account: Account, link: MailLink) -> bool:
    """What the store decides once more in the step that spends the link."""
    return (
        account.is_active
        and account.email_key == link.email_key
        and account.password_changed_at == link.password_changed_at
    )
