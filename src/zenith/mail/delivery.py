"""Sends what waits in the queue, beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError, SecurityError
from zenith.kernel.keys import new_id
from zenith.mail.errors import MailError
from zenith.mail.letters import Letters
from zenith.mail.mailer import Mailer
from zenith.mail.queue import GiveUp, MailQueue
from zenith.mail.store import ClaimedMail, Draft

SENDERS: Final = 4
"""Mails that one process sends at the same time."""
POLL: Final = 2.0
"""Seconds after which a process looks for mails of others, and those that are due again."""
FIRST_PAUSE: Final = 5.0
GROWTH: Final = 4.0
LONGEST_PAUSE: Final = 3600.0
STOP_TIMEOUT: Final = 5.0
"""Seconds for which a stop goes on sending; what is left stays in the queue."""
_log: Final = logging.getLogger("zenith.mail")


class MailDelivery:
    """Takes mails out of the queue, a few at a time, and hands them to a mailer.

    Threat: a mail server that is slow, away or gone and takes the application with it (ASVS
    16.5.2), and a process that is killed with mails in its hands. A mail is claimed for twice
    `patience` (seconds that the mailer may take) and due again after that, so that another process
    sends it: at least once, and twice where the first one died between the server's answer and
    the note of it; then both copies have one Message-ID. After each failure the pause grows, to an
    hour at most; `attempts`, and the mail's own end, bound them. What is not sent is given up, and
    told of.
    """

    def __init__(
        self,
        queue: MailQueue,
        mailer: Mailer,
        letters: Letters,
        *,
        give_up: GiveUp,
        attempts: int = 8,
        patience: float = 30.0,
        clock: Clock = wall_clock,
    ) -> None:
        self._queue: Final = queue
        self._mailer: Final = mailer
        self._letters: Final = letters
        self._give_up: Final = give_up
        self._attempts: Final = attempts
        self._patience: Final = patience
        self._clock: Final = clock
        self._wake = asyncio.Event()
        self._one_round = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        queue.on_stored = self.wake

    def wake(self) -> None:
        """Look into the queue now."""
        self._wake.set()

    async def start(self) -> None:
        """Begin to send."""
        if self._task is None:
            self._wake, self._one_round, self._stopping = asyncio.Event(), asyncio.Lock(), False
            self._task = asyncio.create_task(self._run(), name="zenith-mail")

    async def stop(self) -> None:
        """Send what is due, for at most five seconds; what is left stays in the queue."""
        await self._queue.settle()
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(task, STOP_TIMEOUT)

    async def drain(self) -> None:
        """Send what is due now, without the task: for commands and tests."""
        await self._queue.settle()
        while await self.round():
            pass

    async def round(self) -> bool:
        """Take some of what is due and try each once; whether there was any."""
        async with self._one_round:
            claim, now = new_id(), self._clock()
            claimed = await self._queue.store.claim(
                claim, now=now, until=now + 2 * self._patience, limit=SENDERS
            )
            tries = [self._try(mail, claim) for mail in claimed]
            for failure in await asyncio.gather(*tries, return_exceptions=True):
                if isinstance(failure, BaseException):
                    # It stays claimed: due again, by and by, and given up after some attempts.
                    _log.error("a mail could not be handled: %s", type(failure).__name__)
            return bool(claimed)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause = POLL
            try:
                if await self.round():
                    continue
                pause = await self._pause()
            except SecurityError as error:
                _log.warning("mails wait: %s", error.reason or error.code)
            if self._stopping:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _pause(self) -> float:
        due = await self._queue.store.next_due()
        return POLL if due is None else min(POLL, max(0.0, due - self._clock()))

    async def _try(self, mail: ClaimedMail, claim: str) -> None:
        draft = self._queue.open(mail)
        fault = self._fault(mail, draft)
        if not fault and draft is not None:
            try:
                await self._send(mail, draft)
            except MailError as error:
                if not error.lasting and mail.attempts < self._attempts:
                    await self._postpone(mail, claim, draft, error.reason)
                    return
                fault = error.reason
            except ConfigurationError as error:
                fault = error.problem
        if await self._queue.store.remove(mail.id, claim) and fault:
            self._give_up(draft, fault)

    async def _send(self, mail: ClaimedMail, draft: Draft) -> None:
        facts: Mapping[str, object] = draft.facts
        letter = self._letters.write(
            draft.notice, to=draft.to, facts=facts, link=draft.link, number=mail.id
        )
        try:
            async with asyncio.timeout(self._patience):
                await self._mailer.send(letter)
        except TimeoutError:
            raise MailError("the mail server took too long") from None

    def _fault(self, mail: ClaimedMail, draft: Draft | None) -> str:
        """Why it is not even tried; empty if it is."""
        if draft is None:
            return "no key of ours opens it"
        if mail.expires_at <= self._clock():
            return "it waited for too long"
        # One that was taken too often ended the processes that took it.
        return "it was taken too often" if mail.attempts > self._attempts else ""

    async def _postpone(self, mail: ClaimedMail, claim: str, draft: Draft, reason: str) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** (mail.attempts - 1))
        await self._queue.store.postpone(mail.id, claim, until=self._clock() + pause)
        _log.warning("mail `%s` is tried again in %d seconds: %s", draft.notice, int(pause), reason)
