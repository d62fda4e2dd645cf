"""Security events: what happened, to whom, from where, with what outcome (ASVS 16.2, 16.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypeAlias

from zenith.kernel.records import dataclass

Outcome: TypeAlias = Literal["success", "failure", "denied", "error"]
Severity: TypeAlias = Literal["INFO", "WARNING", "ERROR", "CRITICAL"]
NO_DETAILS: Final[Mapping[str, object]] = MappingProxyType({})


class EventType(StrEnum):
    """Every event that Zenith records. Names are stable: alerts are written against them."""

    LOGIN_SUCCESS = "LOGIN_SUCCESS"
    LOGIN_FAILED = "LOGIN_FAILED"
    LOGIN_BLOCKED = "LOGIN_BLOCKED"
    LOCKOUT_BEGAN = "LOCKOUT_BEGAN"
    LOCKOUT_LIFTED = "LOCKOUT_LIFTED"
    LOGOUT = "LOGOUT"
    LOGOUT_EVERYWHERE = "LOGOUT_EVERYWHERE"
    PASSWORD_RESET = "PASSWORD_RESET"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PASSWORD_REHASHED = "PASSWORD_REHASHED"
    ACCOUNT_CREATED = "ACCOUNT_CREATED"
    ACCOUNT_DUPLICATE = "ACCOUNT_DUPLICATE"
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED"
    ACCOUNT_UNLOCKED = "ACCOUNT_UNLOCKED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    ROLES_CHANGED = "ROLES_CHANGED"
    ROLE_GRANTED = "ROLE_GRANTED"
    ROLE_REVOKED = "ROLE_REVOKED"
    ROLE_CREATED = "ROLE_CREATED"
    ROLE_CHANGED = "ROLE_CHANGED"
    ROLE_DELETED = "ROLE_DELETED"
    POLICY_ACTIVATED = "POLICY_ACTIVATED"
    ADMINISTRATOR_CREATED = "ADMINISTRATOR_CREATED"
    IDENTITY_LINKED = "IDENTITY_LINKED"
    IDENTITY_UNLINKED = "IDENTITY_UNLINKED"
    SESSION_ENDED = "SESSION_ENDED"
    STEP_UP = "STEP_UP"
    TOKEN_ISSUED = "TOKEN_ISSUED"
    TOKEN_REFRESHED = "TOKEN_REFRESHED"
    TOKEN_REUSED = "TOKEN_REUSED"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    CSRF_REFUSED = "CSRF_REFUSED"
    RATE_LIMITED = "RATE_LIMITED"
    RATE_COUNTERS_LOST = "RATE_COUNTERS_LOST"
    RATE_COUNTERS_BACK = "RATE_COUNTERS_BACK"
    BAN_BEGAN = "BAN_BEGAN"
    BAN_LIFTED = "BAN_LIFTED"
    BAN_ENFORCED = "BAN_ENFORCED"
    CHALLENGE_FAILED = "CHALLENGE_FAILED"
    BOT_CAUGHT = "BOT_CAUGHT"
    REQUEST_REFUSED = "REQUEST_REFUSED"
    INPUT_REFUSED = "INPUT_REFUSED"
    UPLOAD_REFUSED = "UPLOAD_REFUSED"
    OUTBOUND_REFUSED = "OUTBOUND_REFUSED"
    ACCESS_GRANTED = "ACCESS_GRANTED"
    DATA_ACCESSED = "DATA_ACCESSED"
    SUSPICIOUS_ACTIVITY = "SUSPICIOUS_ACTIVITY"
    UNHANDLED_ERROR = "UNHANDLED_ERROR"
    API_KEY_CREATED = "API_KEY_CREATED"
    API_KEY_REVOKED = "API_KEY_REVOKED"
    API_KEY_ROTATED = "API_KEY_ROTATED"
    DATA_EXPORT = "DATA_EXPORT"
    EMAIL_VERIFIED = "EMAIL_VERIFIED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    EMAIL_REVERTED = "EMAIL_REVERTED"
    FACTOR_ADDED = "FACTOR_ADDED"
    FACTOR_REMOVED = "FACTOR_REMOVED"
    FACTORS_RESET = "FACTORS_RESET"
    RECOVERY_CODES_ISSUED = "RECOVERY_CODES_ISSUED"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    PASSKEY_CLONED = "PASSKEY_CLONED"
    DEVICE_TRUSTED = "DEVICE_TRUSTED"
    DEVICE_DISTRUSTED = "DEVICE_DISTRUSTED"
    MAIL_FAILED = "MAIL_FAILED"
    SIGNING_KEY_PLANNED = "SIGNING_KEY_PLANNED"
    SIGNING_KEY_RETIRED = "SIGNING_KEY_RETIRED"
    SUBJECT_ERASED = "SUBJECT_ERASED"
    ENCRYPTION_KEYS_CREATED = "ENCRYPTION_KEYS_CREATED"
    ENCRYPTION_KEY_ROTATED = "ENCRYPTION_KEY_ROTATED"
    ENCRYPTION_KEY_DESTROYED = "ENCRYPTION_KEY_DESTROYED"
    ENCRYPTION_KEYS_REWRAPPED = "ENCRYPTION_KEYS_REWRAPPED"
    VALUES_REENCRYPTED = "VALUES_REENCRYPTED"
    REPORTS_CLEARED = "REPORTS_CLEARED"
    APPLICATION_STARTED = "APPLICATION_STARTED"
    APPLICATION_STOPPED = "APPLICATION_STOPPED"
    AUDIT_READ = "AUDIT_READ"
    AUDIT_EXPORTED = "AUDIT_EXPORTED"
    AUDIT_VERIFIED = "AUDIT_VERIFIED"
    AUDIT_BROKEN = "AUDIT_BROKEN"
    AUDIT_PRUNED = "AUDIT_PRUNED"
    AUDIT_CHECKPOINT = "AUDIT_CHECKPOINT"
    AUDIT_SINK_FAILED = "AUDIT_SINK_FAILED"
    AUDIT_SINK_BACK = "AUDIT_SINK_BACK"
    AUDIT_OVERFLOW = "AUDIT_OVERFLOW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. `details` holds no secret and no personal data beyond what the fact needs."""

    type: EventType
    outcome: Outcome
    at: float
    """Unix time in seconds."""
    subject: str | None = None
    """Who acted: a principal's subject id."""
    target: str | None = None
    """On what: an account, session or route."""
    session_id: str | None = None
    scheme: str = ""
    """How the actor was proven."""
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    """The trace that the request said to belong to (W3C Trace Context): 32 hexadecimal digits."""
    event_id: str = field(default="", compare=False)
    """Names the event wherever it is kept or sent; the audit log gives one to each without."""
    reason: str = ""
    severity: Severity = "INFO"
    details: Mapping[str, object] = field(default_factory=lambda: NO_DETAILS)


class EventSink(Protocol):
    """Where events go. `record` returns once the event cannot be lost; `note` may batch."""

    async def record(self, event: Event) -> None:
        """Store `event` before returning. Raises ServiceUnavailableError if it cannot."""
        ...

    def note(self, event: Event) -> None:
        """Take an event that need not wait; never blocks, never raises, never drops silently."""
        ...


class Silence:
    """The sink of an application that was told to keep no log: `audit` set to None."""

    async def record(self, event: Event) -> None:
        """Nothing."""

    def note(self, event: Event) -> None:
        """Nothing."""
