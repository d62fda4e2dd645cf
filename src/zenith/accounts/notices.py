"""Mails to the owners of accounts, sent after the request and not by it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from zenith.accounts.client import Client
from zenith.accounts.store import Account
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.events import Event, EventSink, EventType
from zenith.mail import Letters, Mail, Mailer, MailError
from zenith.sessions import describe_device

FIRST_PAUSE: Final = 2.0
GROWTH: Final = 4.0
STOP_TIMEOUT: Final = 5.0
"""Seconds that a stop waits for what is queued."""
SENDERS: Final = 4
"""Mails on the way at the same time; one that is tried again keeps one of them busy."""
_log: Final = logging.getLogger("zenith.mail")
Sleep: TypeAlias = Callable[[float], Awaitable[object]]


def seen(client: Client, at: float) -> dict[str, str]:
    """Facts about where something came from; `at` is a Unix time in seconds."""
    return {
        "device": describe_device(client.user_agent),
        "address": client.address,
        "when": datetime.fromtimestamp(at, UTC).strftime("%d %b %Y, %H:%M UTC"),
    }


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class _Waiting:
    address: str
    notice: str
    account_id: str
    link: str
    facts: Mapping[str, object]


class Notices:
    """Queues mails and sends them from a task of this process.

    Threat: an answer whose time tells that a mail was sent, and so that an account exists (ASVS
    6.3.8); a mail server that is slow, away or gone and takes the application with it (ASVS
    16.5.2); a flood of mails that fills the memory. `tell` costs a request an append to a bounded
    queue. A mail that cannot be sent, after a few attempts with growing pauses, or that found the
    queue full, is recorded as MAIL_FAILED with its account and without its address. `mailer` None:
    nothing is sent, and nothing waits.
    """

    def __init__(
        self,
        mailer: Mailer | None,
        letters: Letters,
        *,
        events: EventSink,
        queue_size: int = 1_000,
        attempts: int = 4,
        clock: Clock = wall_clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._mailer: Final = mailer
        self._letters: Final = letters
        self._events: Final = events
        self._queue_size: Final = queue_size
        self._attempts: Final = attempts
        self._clock: Final = clock
        self._sleep: Final = sleep
        self._queue: Final[deque[_Waiting]] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def are_sent(self) -> bool:
        """Whether mails go anywhere; flows that need one are off otherwise."""
        return self._mailer is not None

    @property
    def waiting(self) -> int:
        """How many mails wait."""
        return len(self._queue)

    def tell(self, account: Account, notice: str, **facts: object) -> None:
        """Queue a mail to the account's owner; `notice` is a key of `WORDINGS`, `facts` what its
        sentences name. Never waits, and raises for nothing but a notice that there is not.
        """
        self._append(account.email, notice, account.id, "", facts)

    def send(
        self, address: str, notice: str, *, account_id: str, link: str = "", **facts: object
    ) -> None:
        """The same to an address that need not be the account's; `link` is a whole URL."""
        self._append(address, notice, account_id, link, facts)

    def _append(
        self, address: str, notice: str, account_id: str, link: str, facts: Mapping[str, object]
    ) -> None:
        self._letters.check(notice)
        if self._mailer is None:
            return
        # Written by the task as well: not even that takes the request's time.
        waiting = _Waiting(
            address=address, notice=notice, account_id=account_id, link=link, facts=facts
        )
        if len(self._queue) >= self._queue_size:
            self._give_up(waiting, "the queue is full")
            return
        self._queue.append(waiting)
        self._wake.set()

    async def start(self) -> None:
        """Begin to send."""
        if self._mailer is None or self._tasks:
            return
        self._wake, self._stopping = asyncio.Event(), False
        self._wake.set()
        self._tasks = [
            asyncio.create_task(self._run(self._mailer), name=f"zenith-mail-{number}")
            for number in range(SENDERS)
        ]

    async def stop(self) -> None:
        """Send what waits, for at most five seconds; what is left is given up and recorded."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        self._stopping = True
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*tasks), STOP_TIMEOUT)
        while self._queue:
            self._give_up(self._queue.popleft(), "the application stopped")

    async def drain(self) -> None:
        """Send what waits now, one attempt each, without the task: for commands and tests."""
        if self._mailer is None:
            return
        while self._queue:
            await self._attempt(self._mailer, self._queue.popleft(), last=True)

    async def _run(self, mailer: Mailer) -> None:
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._deliver(mailer, self._queue.popleft())

    async def _deliver(self, mailer: Mailer, waiting: _Waiting) -> None:
        pause = FIRST_PAUSE
        try:
            for left in reversed(range(self._attempts)):
                last = left == 0 or self._stopping
                if await self._attempt(mailer, waiting, last=last) or last:
                    return
                await self._sleep(pause)
                pause *= GROWTH
        except asyncio.CancelledError:
            self._give_up(waiting, "the application stopped")
            raise

    async def _attempt(self, mailer: Mailer, waiting: _Waiting, *, last: bool) -> bool:
        """Whether nothing is left to do for this mail."""
        try:
            await mailer.send(self._write(waiting))
        except MailError as error:
            if last or error.lasting:
                self._give_up(waiting, error.reason)
                return True
            _log.warning("mail `%s` is tried again: %s", waiting.notice, error.reason)
            return False
        return True

    def _write(self, waiting: _Waiting) -> Mail:
        return self._letters.write(
            waiting.notice, to=waiting.address, facts=waiting.facts, link=waiting.link
        )

    def _give_up(self, waiting: _Waiting, reason: str) -> None:
        _log.error("mail `%s` was not sent: %s", waiting.notice, reason)
        self._events.note(
            Event(
                type=EventType.MAIL_FAILED,
                outcome="error",
                at=self._clock(),
                target=waiting.account_id,
                reason=reason,
                severity="ERROR",
                details={"notice": waiting.notice},
            )
        )
