"""One-time links: made, mailed, and looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from zenith.accounts.client import Client
from zenith.accounts.errors import MailLinkError
from zenith.accounts.notices import Notices
from zenith.accounts.settings import DAY, MINUTE, TOKEN, AccountSettings
from zenith.accounts.store import Account, LinkPurpose, MailLink, MailLinkStore
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import RateLimitError
from zenith.kernel.keys import digest, new_token
from zenith.kernel.network import client_key
from zenith.rate_limits import RateLimiter
from zenith.rate_limits.limit import parse_limits

MAX_TOKEN: Final = 128
HOUR: Final = 60 * MINUTE
MailKind: TypeAlias = Literal["way_in", "confirmation", "reminder"]
"""Mails to one address are counted by kind: whoever causes those that confirm an address uses up
none of those that let its owner in."""


class MailLinks:
    """Issues links and mails them.

    Threat: links that can be guessed, read from the database, used twice or kept for later (ASVS
    6.4.1, 6.5.1 to 6.5.5), and links that lead to another host because a request named one: a
    secret has 256 random bits of which the SHA-256 is stored, and the address begins with the
    origin of the settings, never with that of a request. Whoever mails strangers through
    these flows is limited per network address and per mailbox, and cannot by that keep an owner
    from the mail that sets a password.
    """

    def __init__(
        self,
        store: MailLinkStore,
        notices: Notices,
        limiter: RateLimiter,
        *,
        settings: AccountSettings,
        origin: str,
        clock: Clock = wall_clock,
    ) -> None:
        self._store: Final = store
        self._notices: Final = notices
        self._limiter: Final = limiter
        self._origin: Final = origin
        self._clock: Final = clock
        self._per_address: Final = parse_limits(settings.mail_limit)
        self._per_mailbox: Final = parse_limits(settings.mailbox_limit)
        self._paths: Final[Mapping[LinkPurpose, str]] = {
            "verify_email": settings.verify_link,
            "reset_password": settings.reset_link,
            "change_email": settings.change_email_link,
            "revert_email": settings.revert_email_link,
        }
        self._lifetimes: Final[Mapping[LinkPurpose, float]] = {
            "verify_email": settings.verify_link_lifetime,
            "reset_password": settings.reset_link_lifetime,
            "change_email": settings.reset_link_lifetime,
            "revert_email": settings.revert_link_lifetime,
        }

    async def send(
        self,
        account: Account,
        purpose: LinkPurpose,
        notice: str,
        *,
        to: tuple[str, str] | None = None,
    ) -> None:
        """Issue a link and queue its mail, in one step: to the account's address, or to that of
        `to`, an address and its key.
        """
        email, key = to or (account.email, account.email_key)
        token, now = new_token(), self._clock()
        until = now + self._lifetimes[purpose]
        mail = self._notices.asked_for(
            email,
            notice,
            account_id=account.id,
            link=self.address(purpose, token),
            until=until,
            lifetime=in_words(self._lifetimes[purpose]),
        )
        kept = await self._store.issue(
            MailLink(
                digest=digest(token),
                purpose=purpose,
                account_id=account.id,
                email=email,
                email_key=key,
                password_changed_at=account.password_changed_at,
                created_at=now,
                expires_at=until,
            ),
            mail=mail,
        )
        self._notices.stored(mail, full=not kept)

    def address(self, purpose: LinkPurpose, token: str) -> str:
        """The URL of a link."""
        return self._origin + self._paths[purpose].replace(TOKEN, token)

    def lifetime(self, purpose: LinkPurpose) -> float:
        """Seconds for which a link works."""
        return self._lifetimes[purpose]

    async def check(self, token: str, purpose: LinkPurpose) -> MailLink:
        """The link, unspent. Raises MailLinkError."""
        found = None
        if len(token) <= MAX_TOKEN:
            found = await self._store.check(digest(token), purpose=purpose, now=self._clock())
        if found is None:
            raise MailLinkError(reason=f"no link to {purpose}")
        return found

    async def admit(self, client: Client, *, mailbox: str = "", kind: MailKind = "way_in") -> None:
        """Count a use or a request, and with `mailbox` a mail of this kind to the address of that
        key. Raises RateLimitError, whether or not an account has the address.
        """
        keys = {"address": client_key(client.address)}
        await self._limiter.require("mail", keys=keys, limits=self._per_address)
        if mailbox:
            await self._count(mailbox, kind)

    async def may_mail(self, mailbox: str, kind: MailKind) -> bool:
        """Count a mail of this kind to this address; False where there were too many."""
        try:
            await self._count(mailbox, kind)
        except RateLimitError:
            return False
        return True

    async def _count(self, mailbox: str, kind: MailKind) -> None:
        name = "mailbox" if kind == "way_in" else kind
        await self._limiter.require(
            name, keys={"mailbox": digest(mailbox)}, limits=self._per_mailbox
        )


def in_words(seconds: float) -> str:
    """A lifetime as mails say it."""
    length, unit = next(
        (each for each in ((DAY, "day"), (HOUR, "hour")) if seconds >= 2 * each[0]),
        (MINUTE, "minute"),
    )
    count = int(seconds // length)
    return f"{count} {unit}{'' if count == 1 else 's'}"
