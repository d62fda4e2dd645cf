"""Mail: what it says, and who carries it."""

from zenith.mail.delivery import MailDelivery
from zenith.mail.errors import MailError
from zenith.mail.letters import Letters, Wording
from zenith.mail.mailer import Mailer
from zenith.mail.message import Mail, compose
from zenith.mail.outbox import Outbox, OutboxEntry
from zenith.mail.queue import GiveUp, MailQueue
from zenith.mail.settings import MailSettings
from zenith.mail.store import ClaimedMail, Draft, MailQueueStore, QueuedMail

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
