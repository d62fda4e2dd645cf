from __future__ import annotations

import pytest

from zenith.kernel.events import Event, EventType, Silence

GUIDE = {
    "LOGIN_SUCCESS",
    "LOGIN_FAILED",
    "LOGOUT",
    "PASSWORD_CHANGED",
    "PERMISSION_DENIED",
    "RATE_LIMITED",
    "SUSPICIOUS_ACTIVITY",
    "DATA_EXPORT",
}


def test_names_are_their_own_values():
    assert all(event.name == event.value for event in EventType)
    assert {event.name for event in EventType} >= GUIDE


def test_an_event_is_a_fact():
    event = Event(type=EventType.LOGOUT, outcome="success", at=1.0)
    assert event.severity == "INFO"
    assert dict(event.details) == {}
    with pytest.raises(AttributeError):
        event.at = 2.0
    with pytest.raises(TypeError):
        event.details["x"] = 1


async def test_silence_takes_everything_and_keeps_nothing():
    silence = Silence()
    event = Event(type=EventType.LOGOUT, outcome="success", at=1.0)
    assert await silence.record(event) is None
    assert silence.note(event) is None
