"""Mails to the owners of accounts, kept with the request and sent after it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Generator, Mapping
from datetime import UTC, datetime
from typing import Final

from zenith.accounts.client import Client
from zenith.accounts.store import Account
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType
from zenith.kernel.records import dataclass
from zenith.mail import Draft, Letters, MailDelivery, MailQueue, QueuedMail
from zenith.sessions import describe_device

_log: Final = logging.getLogger("zenith.mail")


class _Nothing:
    """What is awaited where nothing waits."""

    def __await__(self) -> Generator[None]:
        yield from ()


def seen(client: Client, at: float) -> dict[str, str]:
    """Facts about where something came from; `at` is a Unix time in seconds."""
    return {
        "device": describe_device(client.user_agent),
        "address": client.address,
        "when": datetime.fromtimestamp(at, UTC).strftime("%d %b %Y, %H:%M UTC"),
    }


@dataclass(frozen=True, slots=True)
class LostMails:
    """Records mails that are not sent, with their account and without their address."""

    events: EventSink
    clock: Clock = wall_clock

    def __call__(self, draft: Draft | None, reason: str) -> None:
        """Record one."""
        notice = "unknown" if draft is None else draft.notice
        _log.error("mail `%s` was not sent: %s", notice, reason)
        self.events.note(
            Event(
                type=EventType.MAIL_FAILED,
                outcome="error",
                at=self.clock(),
                target=None if draft is None else draft.account_id,
                reason=reason,
                severity="ERROR",
                details={"notice": notice},
            )
        )


class Notices:
    """What flows tell the owners of accounts.

    Threat: an answer whose time tells that a mail was sent, and so that an account exists (ASVS
    6.3.8): `tell` costs a request an encryption and an append, whoever awaits it also waits for the
    store, which flows that must not tell do within `EvenTime`; and a crash after which an owner
    never hears of what was done (ASVS 6.3.7): what was awaited is in the store when the answer
    leaves. Without `queue` nothing is sent, and nothing waits; without `delivery` another process
    sends.
    """

    def __init__(
        self,
        letters: Letters,
        queue: MailQueue | None = None,
        delivery: MailDelivery | None = None,
    ) -> None:
        self._letters: Final = letters
        self._queue: Final = queue
        self._delivery: Final = delivery
        self._delivers = delivery is not None

    @property
    def are_sent(self) -> bool:
        """Whether mails go anywhere; flows that need one are off otherwise."""
        return self._queue is not None

    def tell(self, account: Account, notice: str, **facts: object) -> Awaitable[None]:
        """Queue a mail to the account's owner; `notice` is a key of `WORDINGS`, `facts` what its
        sentences name. Await it where the mail must not be lost. Raises nothing but
        ConfigurationError for a notice that there is not.
        """
        draft = self._draft(account.email, notice, account.id, "", facts)
        return _Nothing() if self._queue is None else self._queue.put(draft)

    def asked_for(
        self,
        address: str,
        notice: str,
        *,
        account_id: str,
        link: str,
        until: float,
        **facts: object,
    ) -> QueuedMail | None:
        """A mail that a stranger may have caused, for a store to keep in one step with its link (a
        whole URL), which works `until` then. Call `stored` afterwards.
        """
        draft = self._draft(address, notice, account_id, link, facts)
        return None if self._queue is None else self._queue.asked_for(draft, expires_at=until)

    def owed(
        self, address: str, notice: str, *, account_id: str, link: str = "", **facts: object
    ) -> tuple[QueuedMail, ...]:
        """A mail that must be kept whatever waits, for a store to keep in one step with what it
        tells of; none where mails go nowhere. Call `stored` afterwards.
        """
        draft = self._draft(address, notice, account_id, link, facts)
        return () if self._queue is None else (self._queue.owed(draft),)

    def stored(self, mail: QueuedMail | None, *, full: bool = False) -> None:
        """A store has kept a mail, or, where it was `full`, has not."""
        if self._queue is not None and mail is not None and full:
            self._queue.refused((mail,))
        elif self._delivery is not None:
            self._delivery.wake()

    def leave_to_servers(self) -> None:
        """Send nothing from this process: what it tells waits for one that serves."""
        self._delivers = False

    async def start(self) -> None:
        """Begin to send."""
        if self._delivery is not None and self._delivers:
            await self._delivery.start()

    async def stop(self) -> None:
        """Store what was told, send what is due for at most five seconds; the rest waits."""
        if self._delivery is not None:
            await self._delivery.stop()

    async def drain(self) -> None:
        """Send what is due now, without the task: for commands and tests."""
        if self._delivery is not None:
            await self._delivery.drain()

    def _draft(
        self, address: str, notice: str, account_id: str, link: str, facts: Mapping[str, object]
    ) -> Draft:
        self._letters.check(notice)
        known = {name: None if fact is None else str(fact) for name, fact in facts.items()}
        return Draft(to=address, notice=notice, account_id=account_id, link=link, facts=known)
