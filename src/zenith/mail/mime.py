"""A mail's form on the wire: MIME, as SMTP carries it."""

from __future__ import annotations

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from zenith.kernel.keys import new_id
from zenith.mail.errors import MailError
from zenith.mail.message import Mail


def compose(mail: Mail, *, sender: str, sender_name: str = "", at: float) -> EmailMessage:
    """The message as SMTP carries it; `at` is a Unix time in seconds.

    Threat: a line break in an address or subject that adds headers, recipients or a body of its
    own (CWE-93, ASVS 1.2.1). Headers are objects of the standard library's `email` with the policy
    for SMTP, which refuses line breaks; addresses are parsed, never pasted. Raises MailError.
    """
    to = _deliverable(mail.to)
    message = EmailMessage(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)
    try:
        message["From"] = Address(display_name=sender_name, addr_spec=sender)
        mailbox, _, domain = to.rpartition("@")
        message["To"] = Address(username=mailbox, domain=domain)
        message["Subject"] = mail.subject
    except ValueError as error:
        raise MailError(
            f"a header cannot be written: {type(error).__name__}", lasting=True
        ) from None
    message["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    message["Message-ID"] = f"<{mail.number or new_id()}@{sender.rpartition('@')[2]}>"
    # RFC 3834: no automatic answers to automatic mail.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def _deliverable(address: str) -> str:
    """The address with its domain as the network writes it (RFC 5890); a mailbox with letters
    beyond ASCII stays as it is and needs a server that knows SMTPUTF8 (RFC 6531).
    """
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise MailError("no e-mail address", lasting=True) from None
    return found.ascii_email or f"{found.local_part}@{found.ascii_domain}"
