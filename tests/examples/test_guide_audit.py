"""The guide's audit log: `log_event`, the ten events, and sign-ins that record themselves."""

from __future__ import annotations

import json
import logging

import pytest

from tests.examples.conftest import PASSWORD
from zenith.audit import SECURITY_EVENTS, SecurityAuditLog, UnknownEventError

GUIDES_EVENTS = {
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


def test_the_guides_events_are_known():
    """In the guide nothing reads the table: any text is an event."""
    assert GUIDES_EVENTS.items() <= SECURITY_EVENTS.items()


async def test_log_event_writes_one_line_of_json(caplog):
    """The guide's line breaks where a user agent holds a line break, and its time has no zone."""
    log = SecurityAuditLog(logging.getLogger("guide.test"))
    with caplog.at_level(logging.INFO, logger="guide.test"):
        await log.log_event(
            event_type="LOGIN_FAILED",
            user_id=7,
            ip_address="192.0.2.1",
            user_agent="curl\n{}",
            details={"path": "/auth/login", "password": "violet"},
            severity="WARNING",
        )
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "\n" not in record.message
    event = json.loads(record.message)
    assert event["type"] == "LOGIN_FAILED"
    assert event["at"].endswith("+00:00")
    assert "violet" not in record.message


async def test_unknown_events_and_severities_are_refused():
    """The guide takes `getattr(logging, severity)`: `severity="shutdown"` is a function there."""
    log = SecurityAuditLog(logging.getLogger("guide.test"))
    with pytest.raises(UnknownEventError):
        await log.log_event("LOGIN_SUCESS")
    with pytest.raises(UnknownEventError):
        await log.log_event("LOGIN_SUCCESS", severity="shutdown")


async def test_a_handler_records_what_only_it_knows(guide, caplog):
    """`GET /me/export` says that data left."""
    bearer = await guide.bearer()
    with caplog.at_level(logging.INFO, logger="guide.audit"):
        answer = await guide.client.get("/me/export", headers=bearer)
    (record,) = caplog.records
    event = json.loads(record.message)
    assert (event["type"], event["subject"]) == ("DATA_EXPORT", answer.json()["id"])


async def test_sign_ins_record_themselves(guide):
    """The guide's middleware compares the path, takes any 200 for a success and anything else for
    a failure, and never knows who it was."""
    bearer = await guide.bearer()
    me = (await guide.client.get("/auth/me", headers=bearer)).json()
    assert (await guide.log_in(password=PASSWORD + "x")).status_code == 401
    assert (await guide.log_in("nobody@example.org")).status_code == 401
    await guide.stop()
    found = {event["type"]: event for event in guide.events()}
    assert found["LOGIN_SUCCESS"]["subject"] == me["id"]
    assert found["LOGIN_SUCCESS"]["address"] == "127.0.0.1"
    failed = [event for event in guide.events() if event["type"] == "LOGIN_FAILED"]
    assert [event["reason"] for event in failed] == ["wrong password", "no such account"]
    assert failed[0]["target"] == me["id"]
    assert PASSWORD not in json.dumps(guide.events())


async def test_a_blocked_sign_in_is_told_from_a_failed_one(guide):
    """The guide lists LOGIN_BLOCKED and never records it."""
    statuses = {(await guide.log_in(password="wrong")).status_code for _ in range(11)}
    await guide.stop()
    kinds = [event["type"] for event in guide.events()]
    assert statuses == {401, 429}
    assert kinds.count("LOGIN_BLOCKED") == 1
    assert kinds.count("LOGIN_FAILED") == 10


async def test_refusals_record_themselves(guide):
    """The guide's handlers would each have to remember to."""
    bearer = await guide.bearer()
    await guide.client.post("/admin/users", headers=bearer)
    await guide.client.post("/submit", data={"data": "x"})
    await guide.stop()
    kinds = [event["type"] for event in guide.events()]
    assert "PERMISSION_DENIED" in kinds
    assert "CSRF_REFUSED" in kinds
