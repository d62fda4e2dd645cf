"""The flows by mail, together."""

from __future__ import annotations

from zenith.accounts.mail_flows.email_change import EmailChanges
from zenith.accounts.mail_flows.password_reset import PasswordReset
from zenith.accounts.mail_flows.verification import EmailVerification
from zenith.kernel.records import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MailFlows:
    """What an application can do that sends mail."""

    verification: EmailVerification
    password_reset: PasswordReset
    email_changes: EmailChanges
