"""What mail needs from a store: a queue that outlives the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Draft:
    """A mail before it is written: words and templates are those of when it is sent."""

    to: str
    notice: str
    account_id: str
    link: str = ""
    facts: Mapping[str, str | None] = field(default_factory=dict[str, str | None])

    def __repr__(self) -> str:
        return f"Draft(notice={self.notice!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuedMail:
    """A mail as it is kept."""

    id: str
    sealed: str = field(repr=False)
    """The draft, encrypted and bound to `id`: it names a person, and may hold a one-time link."""
    created_at: float
    expires_at: float
    """Unix time in seconds; who would read it later is not served any more."""
    room: int | None = field(default=None, compare=False)
    """How many may wait beside it for it to be stored; None: it is stored in any case."""
    draft: Draft | None = field(default=None, repr=False, compare=False)
    """What was sealed, in the process that did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedMail:
    """A mail that one process has taken, for a while, to send it."""

    id: str
    sealed: str = field(repr=False)
    expires_at: float
    attempts: int
    """How often it was taken, this time included."""


class MailQueueStore(Protocol):
    """Mails that wait. They must survive a restart: SQL in production.

    Whoever claims a mail has it alone until the claim's time is over; where it was not removed by
    then, because its process died, it is due again. So each is sent at least once. Each verb is one
    atomic step, also between processes.
    """

    async def add(self, mails: Sequence[QueuedMail]) -> Sequence[QueuedMail]:
        """Store the mails, due at once; those for which there was no room come back."""
        ...

    async def claim(
        self, claim: str, *, now: float, until: float, limit: int
    ) -> Sequence[ClaimedMail]:
        """Take at most `limit` mails that are due, the longest waiting ones first, until `until`.
        Of many callers at once each mail goes to one.
        """
        ...

    async def next_due(self) -> float | None:
        """When the next mail is due; None where none waits."""
        ...

    async def postpone(self, mail_id: str, claim: str, *, until: float) -> bool:
        """Give a mail back, due at `until`; False where the claim holds no more."""
        ...

    async def remove(self, mail_id: str, claim: str) -> bool:
        """Forget a mail; False where the claim holds no more."""
        ...

    async def prune(self, *, before: float) -> int:
        """Remove mails whose time ended before this and that nobody took; how many there were."""
        ...
