"""The queue of mails: sealed, kept, and opened again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import SecurityError
from zenith.kernel.keys import Secret, new_id
from zenith.kernel.one_step import after_step, current_step
from zenith.kernel.sealing import Sealer
from zenith.mail.store import ClaimedMail, Draft, MailQueueStore, QueuedMail

GiveUp: TypeAlias = Callable[[Draft | None, str], None]
"""Told of a mail that will not be sent, and why; None where not even its draft can be read."""

PURPOSE: Final = "mail/queue"
DAY: Final = 86_400.0
MAX_PENDING: Final = 10_000
"""Mails on their way into the store; more only wait there while it does not answer."""


class MailQueue:
    """Keeps mails until they are sent.

    Threats: a crash that loses what an owner had to be told; a stolen database or backup with links
    in it that are still good, hence AES-256-GCM under a key of its own (ASVS 11.3.2, 14.2.4); and a
    flood of mails that anybody can cause, behind which others are lost: of those only `size` wait,
    while there is room for as many again of those that tell owners of what was done.

    `lifetime` is how long a mail is worth sending, in seconds.
    """

    def __init__(
        self,
        store: MailQueueStore,
        secrets: Sequence[Secret],
        *,
        give_up: GiveUp,
        size: int = 1_000,
        lifetime: float = DAY,
        clock: Clock = wall_clock,
    ) -> None:
        self.store: Final = store
        self._sealer: Final = Sealer(secrets, purpose=PURPOSE)
        self._give_up: Final = give_up
        self._size: Final = size
        self._lifetime: Final = lifetime
        self._clock: Final = clock
        self._pending: list[QueuedMail] = []
        self._storing: asyncio.Task[None] | None = None
        self.on_stored: Callable[[], None] = lambda: None
        """Called when something was stored: there is something to do."""

    @property
    def pending(self) -> int:
        """How many mails are on their way into the store."""
        return len(self._pending)

    def asked_for(self, draft: Draft, *, expires_at: float) -> QueuedMail:
        """A mail that a stranger may have caused, for a store to keep in one step with the link in
        it, which ends at `expires_at` (Unix time in seconds).
        """
        return replace(self._sealed(draft, expires_at), room=self._size)

    def owed(self, draft: Draft, *, expires_at: float | None = None) -> QueuedMail:
        """A mail that must be kept whatever waits, for a store to keep with what it tells of."""
        return self._sealed(draft, expires_at)

    def put(self, draft: Draft) -> Awaitable[None]:
        """Keep a mail. Whoever awaits the answer knows that it is stored, or was given up; who does
        not is not held up. Never raises.

        Within `one_step` it must be awaited: the mail is then part of the step, kept with it or not
        at all, and what the store raises undoes the step.
        """
        if current_step() is not None:
            return self._put_within(draft)
        if len(self._pending) >= MAX_PENDING:
            self._give_up(draft, "the store of mails does not keep up")
        else:
            self._pending.append(replace(self._sealed(draft, None), room=2 * self._size))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.get_running_loop().create_task(self._store())
        return asyncio.shield(self._storing)

    async def _put_within(self, draft: Draft) -> None:
        mail = replace(self._sealed(draft, None), room=2 * self._size)
        self.refused(await self.store.add((mail,)))

        async def stored() -> None:
            self.on_stored()

        await after_step(stored)

    def refused(self, mails: Sequence[QueuedMail]) -> None:
        """There was no room for these."""
        for mail in mails:
            self._give_up(mail.draft, "the queue is full")

    async def settle(self) -> None:
        """Wait until what was put is stored."""
        if self._storing is not None:
            await asyncio.wait((self._storing,))

    def open(self, mail: ClaimedMail) -> Draft | None:
        """The draft; None where no key of ours sealed it for this place."""
        found = self._sealer.open(mail.sealed, row=mail.id)
        if found is None:
            return None
        values: dict[str, Any] = json.loads(found[0])
        return Draft(**values)

    def _sealed(self, draft: Draft, expires_at: float | None) -> QueuedMail:
        mail_id, now = new_id(), self._clock()
        values = {
            "to": draft.to,
            "notice": draft.notice,
            "account_id": draft.account_id,
            "link": draft.link,
            "facts": dict(draft.facts),
        }
        last = now + self._lifetime
        return QueuedMail(
            id=mail_id,
            sealed=self._sealer.seal(json.dumps(values).encode(), row=mail_id),
            created_at=now,
            expires_at=last if expires_at is None else min(last, expires_at),
            draft=draft,
        )

    async def _store(self) -> None:
        """Together, what came while the store was busy with those before."""
        while self._pending:
            mails, self._pending = self._pending, []
            try:
                self.refused(await self.store.add(mails))
            except SecurityError as error:
                for mail in mails:
                    self._give_up(mail.draft, error.reason or error.code)
        self.on_stored()
