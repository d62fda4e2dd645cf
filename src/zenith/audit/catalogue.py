"""Every event: what it means, how it usually ends, and whether it may wait."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from zenith.kernel.events import EventType, Outcome
from zenith.kernel.records import dataclass

Topic: TypeAlias = Literal[
    "sign-in", "credentials", "accounts", "access", "attacks", "system", "audit log"
]

REQUIREMENTS: Final[Mapping[Topic, str]] = MappingProxyType(
    {
        "sign-in": "16.3.1",
        "credentials": "16.3.1",
        "accounts": "16.3.3",
        "access": "16.3.2",
        "attacks": "16.3.3",
        "system": "16.3.4",
        "audit log": "16.4.2",
    }
)
"""The requirement of ASVS 5.0 that asks for the events of each topic."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """What is known of an event by its type alone."""

    topic: Topic
    meaning: str
    outcome: Outcome = "success"
    """The usual one."""
    critical: bool = True
    """Whether it is stored in the change's own transaction, or else before the answer leaves: there
    is no such change or answer without it. Others are batched (`EventSink.note`)."""


CATALOGUE: Final[Mapping[EventType, EventKind]] = MappingProxyType(
    {
        EventType.LOGIN_SUCCESS: EventKind("sign-in", "Successful login"),
        EventType.LOGIN_FAILED: EventKind("sign-in", "Failed login attempt", outcome="failure"),
        EventType.LOGIN_BLOCKED: EventKind(
            "sign-in", "Login blocked due to rate limiting", outcome="denied"
        ),
        EventType.LOCKOUT_BEGAN: EventKind(
            "sign-in",
            "Unknown devices locked out of an account after many failures",
            outcome="denied",
        ),
        EventType.LOCKOUT_LIFTED: EventKind(
            "sign-in", "Unknown devices let in again by an administrator"
        ),
        EventType.LOGOUT: EventKind("sign-in", "Signed out"),
        EventType.LOGOUT_EVERYWHERE: EventKind("sign-in", "Signed out of every session"),
        EventType.PASSWORD_RESET: EventKind("credentials", "Password reset requested"),
        EventType.PASSWORD_CHANGED: EventKind("credentials", "Password changed by its owner"),
        EventType.PASSWORD_REHASHED: EventKind("credentials", "Password hash renewed at login"),
        EventType.ACCOUNT_CREATED: EventKind("accounts", "Account created"),
        EventType.ACCOUNT_DUPLICATE: EventKind(
            "accounts", "Registration for an e-mail that has an account", outcome="failure"
        ),
        EventType.ACCOUNT_LOCKED: EventKind("accounts", "Account locked by an administrator"),
        EventType.ACCOUNT_UNLOCKED: EventKind("accounts", "Account unlocked by an administrator"),
        EventType.ACCOUNT_DELETED: EventKind("accounts", "Account deleted"),
        EventType.ROLES_CHANGED: EventKind("access", "Roles or permissions of an account changed"),
        EventType.ROLE_GRANTED: EventKind("access", "Role given to an account"),
        EventType.ROLE_REVOKED: EventKind("access", "Role taken from an account"),
        EventType.ROLE_CREATED: EventKind("access", "Role created"),
        EventType.ROLE_CHANGED: EventKind("access", "Role changed"),
        EventType.ROLE_DELETED: EventKind("access", "Role deleted"),
        EventType.POLICY_ACTIVATED: EventKind("access", "Version of a policy put in force"),
        EventType.ADMINISTRATOR_CREATED: EventKind("accounts", "First administrator created"),
        EventType.IDENTITY_LINKED: EventKind("accounts", "Identity of another provider linked"),
        EventType.IDENTITY_UNLINKED: EventKind("accounts", "Identity of another provider unlinked"),
        EventType.SESSION_ENDED: EventKind("sign-in", "Session ended"),
        EventType.STEP_UP: EventKind("sign-in", "Identity confirmed again in a session"),
        EventType.TOKEN_ISSUED: EventKind("credentials", "Tokens issued", critical=False),
        EventType.TOKEN_REFRESHED: EventKind("credentials", "Tokens refreshed", critical=False),
        EventType.TOKEN_REUSED: EventKind(
            "credentials", "Spent refresh token used again", outcome="denied"
        ),
        EventType.TOKEN_REVOKED: EventKind("credentials", "Token revoked"),
        EventType.PERMISSION_DENIED: EventKind(
            "access", "Access denied to resource", outcome="denied", critical=False
        ),
        EventType.AUTHENTICATION_FAILED: EventKind(
            "access", "Credential refused", outcome="failure", critical=False
        ),
        EventType.CSRF_REFUSED: EventKind(
            "attacks", "Cross-site request refused", outcome="denied", critical=False
        ),
        EventType.RATE_LIMITED: EventKind(
            "attacks", "Request over its limit refused", outcome="denied", critical=False
        ),
        EventType.RATE_COUNTERS_LOST: EventKind(
            "system", "Shared rate counters did not answer", outcome="error", critical=False
        ),
        EventType.RATE_COUNTERS_BACK: EventKind(
            "system", "Shared rate counters answered again", critical=False
        ),
        EventType.BAN_BEGAN: EventKind("attacks", "Address, network, account or API key banned"),
        EventType.BAN_LIFTED: EventKind("attacks", "Ban lifted before its end"),
        EventType.BAN_ENFORCED: EventKind(
            "attacks", "Request of somebody banned refused", outcome="denied", critical=False
        ),
        EventType.CHALLENGE_FAILED: EventKind(
            "attacks",
            "Challenge not met, or its provider did not answer",
            outcome="denied",
            critical=False,
        ),
        EventType.BOT_CAUGHT: EventKind(
            "attacks",
            "Program found out by a honeypot field or a form sent too fast",
            outcome="denied",
            critical=False,
        ),
        EventType.REQUEST_REFUSED: EventKind(
            "attacks", "Malformed or oversized request refused", outcome="denied", critical=False
        ),
        EventType.INPUT_REFUSED: EventKind(
            "attacks", "Input that validation refused", outcome="denied", critical=False
        ),
        EventType.UPLOAD_REFUSED: EventKind(
            "attacks", "Uploaded file refused", outcome="denied", critical=False
        ),
        EventType.OUTBOUND_REFUSED: EventKind(
            "attacks",
            "Call of another server refused, for where it led",
            outcome="denied",
            critical=False,
        ),
        EventType.ACCESS_GRANTED: EventKind(
            "access", "Access to a resource allowed", critical=False
        ),
        EventType.DATA_ACCESSED: EventKind("access", "Sensitive data read"),
        EventType.SUSPICIOUS_ACTIVITY: EventKind(
            "attacks", "Suspicious activity detected", outcome="failure", critical=False
        ),
        EventType.UNHANDLED_ERROR: EventKind(
            "system", "Unexpected error or failed security control", outcome="error", critical=False
        ),
        EventType.API_KEY_CREATED: EventKind("credentials", "API key created"),
        EventType.API_KEY_REVOKED: EventKind("credentials", "API key revoked"),
        EventType.API_KEY_ROTATED: EventKind("credentials", "API key replaced by a new one"),
        EventType.DATA_EXPORT: EventKind("access", "User data exported"),
        EventType.EMAIL_VERIFIED: EventKind("accounts", "E-mail address confirmed by its owner"),
        EventType.EMAIL_CHANGED: EventKind(
            "accounts", "E-mail address changed, or its change asked for"
        ),
        EventType.EMAIL_REVERTED: EventKind(
            "accounts", "E-mail address brought back by its former owner"
        ),
        EventType.FACTOR_ADDED: EventKind("credentials", "Second factor added by its owner"),
        EventType.FACTOR_REMOVED: EventKind("credentials", "Second factor removed by its owner"),
        EventType.FACTORS_RESET: EventKind(
            "credentials", "Every second factor of an account removed by an administrator"
        ),
        EventType.RECOVERY_CODES_ISSUED: EventKind("credentials", "Recovery codes issued anew"),
        EventType.RECOVERY_CODE_USED: EventKind(
            "credentials", "Recovery code used in place of another factor"
        ),
        EventType.PASSKEY_CLONED: EventKind(
            "credentials", "Passkey refused, for its sign count did not grow", outcome="denied"
        ),
        EventType.DEVICE_TRUSTED: EventKind(
            "credentials", "Device trusted without a second factor"
        ),
        EventType.DEVICE_DISTRUSTED: EventKind("credentials", "Device trusted no more"),
        EventType.MAIL_FAILED: EventKind(
            "system",
            "Mail to an account's owner could not be sent",
            outcome="error",
            critical=False,
        ),
        EventType.SIGNING_KEY_PLANNED: EventKind("system", "Key that signs tokens made"),
        EventType.SIGNING_KEY_RETIRED: EventKind(
            "system", "Key that signed tokens refused from now on"
        ),
        EventType.SUBJECT_ERASED: EventKind(
            "system", "Key of one person's data deleted, and the data with it"
        ),
        EventType.ENCRYPTION_KEYS_CREATED: EventKind("system", "Keys of encrypted values made"),
        EventType.ENCRYPTION_KEY_ROTATED: EventKind(
            "system", "Another key encrypts or indexes values from now on"
        ),
        EventType.ENCRYPTION_KEY_DESTROYED: EventKind(
            "system", "Former key of encrypted values destroyed for good"
        ),
        EventType.ENCRYPTION_KEYS_REWRAPPED: EventKind(
            "system", "Keys of encrypted values wrapped by another key-encryption key"
        ),
        EventType.VALUES_REENCRYPTED: EventKind(
            "system", "Encrypted values brought under the active keys and verified"
        ),
        EventType.REPORTS_CLEARED: EventKind("system", "Reports of browsers forgotten"),
        EventType.APPLICATION_STARTED: EventKind("system", "Application started", critical=False),
        EventType.APPLICATION_STOPPED: EventKind("system", "Application stopped", critical=False),
        EventType.AUDIT_READ: EventKind("audit log", "Audit log searched or read"),
        EventType.AUDIT_EXPORTED: EventKind("audit log", "Audit log exported"),
        EventType.AUDIT_VERIFIED: EventKind("audit log", "Audit log verified and whole"),
        EventType.AUDIT_BROKEN: EventKind(
            "audit log", "Audit log verified and not whole", outcome="failure"
        ),
        EventType.AUDIT_PRUNED: EventKind("audit log", "Old part of the audit log removed"),
        EventType.AUDIT_CHECKPOINT: EventKind(
            "audit log", "State of the audit log signed, for its receivers alone", critical=False
        ),
        EventType.AUDIT_SINK_FAILED: EventKind(
            "audit log",
            "Events not delivered to a receiver of the audit log",
            outcome="error",
            critical=False,
        ),
        EventType.AUDIT_SINK_BACK: EventKind(
            "audit log", "Receiver of the audit log took events again", critical=False
        ),
        EventType.AUDIT_OVERFLOW: EventKind(
            "audit log",
            "Events counted only, for the audit queue was full",
            outcome="error",
            critical=False,
        ),
    }
)
"""Every event type."""
