from __future__ import annotations

import json
import logging

import pytest

from tests.audit.fakes import Store
from zenith.audit import SECURITY_EVENTS, AuditLog, SecurityAuditLog, UnknownEventError
from zenith.kernel.errors import ConfigurationError
from zenith.kernel.events import EventType

GUIDE = {
    "LOGIN_SUCCESS": "Successful login",
    "LOGIN_FAILED": "Failed login attempt",
    "LOGIN_BLOCKED": "Login blocked due to rate limiting",
    "PASSWORD_RESET": "Password reset requested",
    "PERMISSION_DENIED": "Access denied to resource",
    "SUSPICIOUS_ACTIVITY": "Suspicious activity detected",
    "API_KEY_CREATED": "API key created",
    "API_KEY_REVOKED": "API key revoked",
    "DATA_EXPORT": "User data exported",
    "ACCOUNT_DELETED": "Account deleted",
}


def test_every_type_is_described_and_the_guides_ten_as_there() -> None:
    assert set(SECURITY_EVENTS) == set(EventType)
    assert {name: SECURITY_EVENTS[name] for name in GUIDE} == GUIDE


async def test_the_guides_call_reaches_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    audit_log = SecurityAuditLog(logging.getLogger("app.security"))
    await audit_log.log_event(
        event_type="LOGIN_FAILED",
        user_id=None,
        ip_address="192.0.2.1",
        user_agent="curl\r\nX: y",
        details={"path": "/auth/login", "password": "hunter2"},
        severity="WARNING",
    )
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    found = json.loads(record.getMessage())
    assert found["type"] == "LOGIN_FAILED"
    assert found["outcome"] == "failure"
    assert found["user_agent"] == r"curl\r\nX: y"
    assert found["details"] == {"path": "/auth/login", "password": "[redacted]"}
    assert "\n" not in record.getMessage()


async def test_a_sink_keeps_the_event() -> None:
    store = Store()
    await SecurityAuditLog(sink=AuditLog(store), clock=lambda: 12.0).log_event(
        "DATA_EXPORT", 42, "192.0.2.1", "curl", {"rows": 3}
    )
    (stored,) = await store.events()
    assert (stored.event.type, stored.event.outcome) == (EventType.DATA_EXPORT, "success")
    assert (stored.event.subject, stored.event.at) == ("42", 12.0)
    assert stored.event.details == {"rows": 3}
    assert stored.event.severity == "INFO"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"event_type": "LOGIN_OK"}, "unknown event type `LOGIN_OK`.*LOGIN_SUCCESS"),
        ({"event_type": "LOGIN_FAILED", "severity": "info"}, "unknown severity `info`.*INFO"),
    ],
)
async def test_names_that_do_not_exist_are_refused(arguments: dict[str, str], said: str) -> None:
    with pytest.raises(UnknownEventError, match=said):
        await SecurityAuditLog(logging.getLogger("app")).log_event(**arguments)


def test_nowhere_to_write_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        SecurityAuditLog()
