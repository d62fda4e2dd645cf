"""Mail to the owners of accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zenith.accounts.notices import LostMails, Notices
from zenith.accounts.wording import WORDINGS
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventSink
from zenith.kernel.keys import Secret
from zenith.mail import (
    Letters,
    MailDelivery,
    Mailer,
    MailQueue,
    MailQueueStore,
    MailSettings,
    Outbox,
)
from zenith.settings import Settings

WHOLE: Final = 3
"""A mail may take this many times the time of one step of the conversation."""
MARGIN: Final = 5.0


def make_mailer(settings: Settings) -> Mailer | None:
    """Who carries mail: the SMTP server that was set, else the outbox, which production never has.

    Raises ConfigurationError if the driver is not installed.
    """
    if settings.mail is not None:
        return _smtp(settings.mail)
    return None if settings.is_production else Outbox()


def _smtp(settings: MailSettings) -> Mailer:
    try:
        # Optional: only who sends mail needs it.
        from zenith.mail.smtp import SmtpMailer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "mail.host asks for mail by SMTP, but its driver is not installed",
            fix="pip install 'zenith-security[mail]'",
        ) from error
    return SmtpMailer(settings)


def make_notices(
    settings: Settings,
    mailer: Mailer | None,
    events: EventSink,
    store: MailQueueStore,
    secrets: Sequence[Secret],
) -> Notices:
    """What tells the owners of accounts."""
    mail = settings.mail
    name = mail.sender_name if mail is not None else ""
    letters = Letters(
        WORDINGS,
        application=name or settings.hostname,
        origin=settings.origin,
        templates=None if mail is None else mail.templates,
    )
    if mailer is None:
        return Notices(letters)
    lost = LostMails(events)
    if mail is None:
        queue = MailQueue(store, secrets, give_up=lost)
        return Notices(letters, queue, MailDelivery(queue, mailer, letters, give_up=lost))
    queue = MailQueue(store, secrets, give_up=lost, size=mail.queue_size, lifetime=mail.lifetime)
    delivery = MailDelivery(
        queue,
        mailer,
        letters,
        give_up=lost,
        attempts=mail.attempts,
        # The mailer has its own end; this one is behind it.
        patience=WHOLE * mail.timeout + MARGIN,
    )
    return Notices(letters, queue, delivery)


def mail_report(settings: Settings) -> list[str]:
    """What the operator is told of mail."""
    if settings.mail is not None:
        return []
    if settings.is_production:
        return [
            (
                "mail is off: addresses are not verified, forgotten passwords cannot be reset, and"
                " owners are told nothing; set ZENITH_MAIL__HOST"
            )
        ]
    return ["no mail server is set: mails are kept in memory and shown at /outbox"]
