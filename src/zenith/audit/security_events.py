"""What each security event means, and the guide's way to record one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zenith.audit.errors import UnknownEventError
from zenith.audit.json_lines import line_of
from zenith.audit.redaction import redacted
from zenith.kernel.clock import Clock, wall_clock
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import NO_DETAILS, Event, EventSink, EventType, Outcome, Severity

SECURITY_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        EventType.LOGIN_SUCCESS: "Successful login",
        EventType.LOGIN_FAILED: "Failed login attempt",
        EventType.LOGIN_BLOCKED: "Login blocked due to rate limiting",
        EventType.LOCKOUT_BEGAN: "Unknown devices locked out of an account after many failures",
        EventType.LOCKOUT_LIFTED: "Unknown devices let in again by an administrator",
        EventType.LOGOUT: "Signed out",
        EventType.LOGOUT_EVERYWHERE: "Signed out of every session",
        EventType.PASSWORD_RESET: "Password reset requested",
        EventType.PASSWORD_CHANGED: "Password changed by its owner",
        EventType.PASSWORD_REHASHED: "Password hash renewed at login",
        EventType.ACCOUNT_CREATED: "Account created",
        EventType.ACCOUNT_DUPLICATE: "Registration for an e-mail that has an account",
        EventType.ACCOUNT_LOCKED: "Account locked by an administrator",
        EventType.ACCOUNT_UNLOCKED: "Account unlocked by an administrator",
        EventType.ACCOUNT_DELETED: "Account deleted",
        EventType.ROLES_CHANGED: "Roles or permissions of an account changed",
        EventType.ROLE_GRANTED: "Role given to an account",
        EventType.ROLE_REVOKED: "Role taken from an account",
        EventType.ROLE_CREATED: "Role created",
        EventType.ROLE_CHANGED: "Role changed",
        EventType.ROLE_DELETED: "Role deleted",
        EventType.POLICY_ACTIVATED: "Version of a policy put in force",
        EventType.ADMINISTRATOR_CREATED: "First administrator created",
        EventType.IDENTITY_LINKED: "Identity of another provider linked",
        EventType.IDENTITY_UNLINKED: "Identity of another provider unlinked",
        EventType.SESSION_ENDED: "Session ended",
        EventType.STEP_UP: "Identity confirmed again in a session",
        EventType.TOKEN_ISSUED: "Tokens issued",
        EventType.TOKEN_REFRESHED: "Tokens refreshed",
        EventType.TOKEN_REUSED: "Spent refresh token used again",
        EventType.TOKEN_REVOKED: "Token revoked",
        EventType.PERMISSION_DENIED: "Access denied to resource",
        EventType.AUTHENTICATION_FAILED: "Credential refused",
        EventType.CSRF_REFUSED: "Cross-site request refused",
        EventType.RATE_LIMITED: "Request over its limit refused",
        EventType.RATE_COUNTERS_LOST: "Shared rate counters did not answer",
        EventType.RATE_COUNTERS_BACK: "Shared rate counters answered again",
        EventType.BAN_BEGAN: "Address, network, account or API key banned",
        EventType.BAN_LIFTED: "Ban lifted before its end",
        EventType.BAN_ENFORCED: "Request of somebody banned refused",
        EventType.CHALLENGE_FAILED: "Challenge not met, or its provider did not answer",
        EventType.BOT_CAUGHT: "Program found out by a honeypot field or a form sent too fast",
        EventType.REQUEST_REFUSED: "Malformed or oversized request refused",
        EventType.SUSPICIOUS_ACTIVITY: "Suspicious activity detected",
        EventType.UNHANDLED_ERROR: "Unexpected error or failed security control",
        EventType.API_KEY_CREATED: "API key created",
        EventType.API_KEY_REVOKED: "API key revoked",
        EventType.API_KEY_ROTATED: "API key replaced by a new one",
        EventType.DATA_EXPORT: "User data exported",
        EventType.EMAIL_VERIFIED: "E-mail address confirmed by its owner",
        EventType.EMAIL_CHANGED: "E-mail address changed, or its change asked for",
        EventType.EMAIL_REVERTED: "E-mail address brought back by its former owner",
        EventType.FACTOR_ADDED: "Second factor added by its owner",
        EventType.FACTOR_REMOVED: "Second factor removed by its owner",
        EventType.FACTORS_RESET: "Every second factor of an account removed by an administrator",
        EventType.RECOVERY_CODES_ISSUED: "Recovery codes issued anew",
        EventType.RECOVERY_CODE_USED: "Recovery code used in place of another factor",
        EventType.PASSKEY_CLONED: "Passkey refused, for its sign count did not grow",
        EventType.DEVICE_TRUSTED: "Device trusted without a second factor",
        EventType.DEVICE_DISTRUSTED: "Device trusted no more",
        EventType.MAIL_FAILED: "Mail to an account's owner could not be sent",
        EventType.APPLICATION_STARTED: "Application started",
        EventType.AUDIT_OVERFLOW: "Events counted only, for the audit queue was full",
    }
)
"""Every event type with what it means."""

OUTCOMES: Final[Mapping[EventType, Outcome]] = MappingProxyType(
    {
        EventType.LOGIN_FAILED: "failure",
        EventType.LOGIN_BLOCKED: "denied",
        EventType.LOCKOUT_BEGAN: "denied",
        EventType.ACCOUNT_DUPLICATE: "failure",
        EventType.TOKEN_REUSED: "denied",
        EventType.PASSKEY_CLONED: "denied",
        EventType.PERMISSION_DENIED: "denied",
        EventType.AUTHENTICATION_FAILED: "failure",
        EventType.CSRF_REFUSED: "denied",
        EventType.RATE_LIMITED: "denied",
        EventType.RATE_COUNTERS_LOST: "error",
        EventType.BAN_ENFORCED: "denied",
        EventType.CHALLENGE_FAILED: "denied",
        EventType.BOT_CAUGHT: "denied",
        EventType.REQUEST_REFUSED: "denied",
        EventType.SUSPICIOUS_ACTIVITY: "failure",
        EventType.UNHANDLED_ERROR: "error",
        EventType.MAIL_FAILED: "error",
        EventType.AUDIT_OVERFLOW: "error",
    }
)
"""Outcomes that the type alone tells; every other event is a success."""

_SEVERITIES: Final[Mapping[str, Severity]] = {
    "INFO": "INFO",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "CRITICAL": "CRITICAL",
}


class SecurityAuditLog:
    """Records security events from handlers: into a sink such as `AuditLog`, a logger, or both.

    Each event is redacted first; the logger gets it as one line of JSON at its severity.
    """

    def __init__(
        self,
        logger: logging.Logger | None = None,
        *,
        sink: EventSink | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        if logger is None and sink is None:
            raise ConfigurationError(
                "SecurityAuditLog has nowhere to write", fix="pass a logger, or sink=AuditLog(...)"
            )
        self._logger: Final = logger
        self._sink: Final = sink
        self._clock: Final = clock

    async def log_event(
        self,
        event_type: str,
        user_id: object = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
        details: Mapping[str, object] = NO_DETAILS,
        severity: str = "INFO",
    ) -> None:
        """Record one event and return once it is kept.

        `event_type` is a key of SECURITY_EVENTS, `severity` one of INFO, WARNING, ERROR, CRITICAL;
        anything else raises UnknownEventError. Raises ServiceUnavailableError if the sink cannot
        keep the event.
        """
        kind = _type_of(event_type)
        event = Event(
            type=kind,
            outcome=OUTCOMES.get(kind, "success"),
            at=self._clock(),
            subject=None if user_id is None else str(user_id),
            address=ip_address,
            user_agent=user_agent,
            severity=_severity_of(severity),
            details=details,
        )
        if self._sink is not None:
            await self._sink.record(event)
        if self._logger is not None:
            level = logging.getLevelNamesMapping()[event.severity]
            self._logger.log(level, "%s", line_of(redacted(event)).decode().rstrip())


def _type_of(name: str) -> EventType:
    try:
        return EventType(name)
    except ValueError:
        raise UnknownEventError(
            f"unknown event type `{name}`; choose one of " + ", ".join(EventType)
        ) from None


def _severity_of(name: str) -> Severity:
    try:
        return _SEVERITIES[name]
    except KeyError:
        raise UnknownEventError(
            f"unknown severity `{name}`; choose one of " + ", ".join(_SEVERITIES)
        ) from None
