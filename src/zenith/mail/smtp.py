"""Mail by SMTP."""

from __future__ import annotations

import asyncio
from typing import Final

import aiosmtplib

from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.tls import client_context
from zenith.mail.errors import MailError
from zenith.mail.message import Mail
from zenith.mail.mime import compose
from zenith.mail.settings import MailSettings

WHOLE: Final = 3
"""A mail may take this many times the time of one step."""
LASTING: Final = range(500, 600)


class SmtpMailer:
    """Hands mail to an SMTP server (RFC 5321), one connection a mail.

    Threat: a reader on the way, or somebody who poses as the server (ASVS 12.3.1, 12.3.2):
    the connection is encrypted with a checked certificate before anything is said, and a server
    that offers no TLS gets nothing. A server that hangs costs a bounded time.
    """

    def __init__(self, settings: MailSettings, *, clock: Clock = wall_clock) -> None:
        if settings.sender is None:
            raise ConfigurationError(
                "mail.sender is not set", fix="write one, such as no-reply@example.org"
            )
        self._settings: Final = settings
        self._sender: Final = settings.sender
        self._clock: Final = clock
        self._context: Final = client_context(settings.ca_file)

    async def send(self, mail: Mail) -> None:
        """Hand over one mail. Raises MailError if it was not taken."""
        settings = self._settings
        message = compose(
            mail, sender=self._sender, sender_name=settings.sender_name, at=self._clock()
        )
        try:
            async with asyncio.timeout(WHOLE * settings.timeout):
                async with self._client() as client:
                    if settings.password is not None:
                        await client.login(settings.username, settings.password.reveal())
                    await client.send_message(message)
        except aiosmtplib.SMTPResponseException as error:
            # What the server says may quote the address: only the kind and the number are kept.
            raise MailError(
                f"{type(error).__name__} {error.code}", lasting=error.code in LASTING
            ) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {refused.code for refused in error.recipients}
            lasting = all(code in LASTING for code in codes)
            raise MailError(f"recipient refused {sorted(codes)}", lasting=lasting) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailError(type(error).__name__) from None

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        encrypted = not settings.allow_unencrypted
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port_or_usual,
            timeout=settings.timeout,
            use_tls=encrypted and settings.security == "tls",
            start_tls=encrypted and settings.security == "starttls",
            tls_context=self._context if encrypted else None,
            local_hostname=self._sender.rpartition("@")[2],
        )
