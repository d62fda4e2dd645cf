"""Where mail goes while nobody carries it: development."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Final

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.records import dataclass
from zenith.mail.message import Mail

KEPT: Final = 100
_log: Final = logging.getLogger("zenith.mail")


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxEntry:
    """A mail that was not sent."""

    number: int
    at: float
    """Unix time in seconds."""
    mail: Mail


class Outbox:
    """Keeps the last hundred mails in the memory of this process and sends none.

    Threat: whoever reads it reads one-time links. It is made outside production only, where no
    SMTP server is set.
    """

    def __init__(self, *, clock: Clock = wall_clock) -> None:
        self._clock: Final = clock
        self._entries: Final[deque[OutboxEntry]] = deque(maxlen=KEPT)
        self._numbers: Final = count(1)

    async def send(self, mail: Mail) -> None:
        """Keep the mail."""
        entry = OutboxEntry(number=next(self._numbers), at=self._clock(), mail=mail)
        self._entries.append(entry)
        _log.info("mail `%s` was not sent: see number %d in /outbox", mail.kind, entry.number)

    def entries(self) -> Sequence[OutboxEntry]:
        """What is kept, newest first."""
        return list(reversed(self._entries))

    def entry(self, number: int) -> OutboxEntry | None:
        """The entry with this number."""
        return next((each for each in self._entries if each.number == number), None)
