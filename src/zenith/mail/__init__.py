"""Mail: what it says, and who carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zenith.kernel.lazy import loader
from zenith.mail.delivery import MailDelivery
from zenith.mail.errors import MailError
from zenith.mail.letters import Letters, Wording
from zenith.mail.mailer import Mailer
from zenith.mail.message import Mail
from zenith.mail.outbox import Outbox, OutboxEntry
from zenith.mail.queue import GiveUp, MailQueue
from zenith.mail.settings import MailSettings
from zenith.mail.store import ClaimedMail, Draft, MailQueueStore, QueuedMail

if TYPE_CHECKING:
    from zenith.mail.mime import compose

__all__ = [
    "ClaimedMail",
    "Draft",
    "GiveUp",
    "Letters",
    "Mail",
    "MailDelivery",
    "MailError",
    "MailQueue",
    "MailQueueStore",
    "MailSettings",
    "Mailer",
    "Outbox",
    "OutboxEntry",
    "QueuedMail",
    "Wording",
    "compose",
]

# Brings a parser of headers along that only the sending of a mail needs.
__getattr__ = loader(__name__, {"compose": "mime"})
