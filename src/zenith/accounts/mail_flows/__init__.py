"""What happens by mail: confirming an address, a forgotten password, a new address."""

from zenith.accounts.mail_flows.email_change import EmailChanges
from zenith.accounts.mail_flows.flows import MailFlows
from zenith.accounts.mail_flows.links import MailLinks
from zenith.accounts.mail_flows.parts import FlowParts, MailFlow
from zenith.accounts.mail_flows.password_reset import PasswordReset
from zenith.accounts.mail_flows.verification import EmailVerification

__all__ = [
    "EmailChanges",
    "EmailVerification",
    "FlowParts",
    "MailFlow",
    "MailFlows",
    "MailLinks",
    "PasswordReset",
]
