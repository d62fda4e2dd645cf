"""Mail: what it says, and who carries it."""

from zenith.mail.errors import MailError
from zenith.mail.letters import Letters, Wording
from zenith.mail.mailer import Mailer
from zenith.mail.message import Mail, compose
from zenith.mail.outbox import Outbox, OutboxEntry
from zenith.mail.settings import MailSettings

__all__ = [
    "Letters",
    "Mail",
    "MailError",
    "MailSettings",
    "Mailer",
    "Outbox",
    "OutboxEntry",
    "Wording",
    "compose",
]
