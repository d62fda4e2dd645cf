"""Mails that wait, in process memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zenith.mail import ClaimedMail, QueuedMail


@dataclass(slots=True)
class _Waiting:
    mail: QueuedMail
    due_at: float
    attempts: int = 0
    claim: str | None = None


class MemoryMailQueueStore:
    """Mails that end with the process: for tests and for trying out."""

    def __init__(self) -> None:
        self._mails: Final[dict[str, _Waiting]] = {}

    async def add(self, mails: Sequence[QueuedMail]) -> Sequence[QueuedMail]:
        """Store the mails, due at once; those for which there was no room come back."""
        return self.keep(*mails)

    def keep(self, *mails: QueuedMail) -> Sequence[QueuedMail]:
        """The same within a step of another store of this process."""
        refused: list[QueuedMail] = []
        for mail in mails:
            if mail.room is not None and len(self._mails) >= mail.room:
                refused.append(mail)
            else:
                self._mails[mail.id] = _Waiting(mail, mail.created_at)
        return refused

    async def claim(
        self, claim: str, *, now: float, until: float, limit: int
    ) -> Sequence[ClaimedMail]:
        """Take at most `limit` mails that are due, the longest waiting ones first."""
        due = [waiting for waiting in self._mails.values() if waiting.due_at <= now]
        taken = sorted(due, key=lambda waiting: waiting.due_at)[:limit]
        for waiting in taken:
            waiting.due_at, waiting.claim = until, claim
            waiting.attempts += 1
        return [
            ClaimedMail(
                id=each.mail.id,
                sealed=each.mail.sealed,
                expires_at=each.mail.expires_at,
                attempts=each.attempts,
            )
            for each in taken
        ]

    async def next_due(self) -> float | None:
        """When the next mail is due; None where none waits."""
        return min((waiting.due_at for waiting in self._mails.values()), default=None)

    async def postpone(self, mail_id: str, claim: str, *, until: float) -> bool:
        """Give a mail back, due at `until`; False where the claim holds no more."""
        waiting = self._mails.get(mail_id)
        if waiting is None or waiting.claim != claim:
            return False
        waiting.due_at, waiting.claim = until, None
        return True

    async def remove(self, mail_id: str, claim: str) -> bool:
        """Forget a mail; False where the claim holds no more."""
        waiting = self._mails.get(mail_id)
        if waiting is None or waiting.claim != claim:
            return False
        del self._mails[mail_id]
        return True

    async def prune(self, *, before: float) -> int:
        """Remove mails whose time ended before this and that nobody took."""
        old = [key for key, each in self._mails.items() if each.mail.expires_at < before]
        for key in old:
            del self._mails[key]
        return len(old)

    def __len__(self) -> int:
        return len(self._mails)
