"""When a connection is too slow: the clock is passed in."""

from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError
from zenith.server import ServerSettings
from zenith.server.pace import Pace, Phase

SETTINGS = ServerSettings(head_timeout=10, body_timeout=10, answer_timeout=30, min_rate=100)
LIFTED = dict.fromkeys(
    ("head_timeout", "body_timeout", "answer_timeout", "websocket_idle_timeout",
     "max_connections", "max_connections_per_address")
)  # fmt: skip


@pytest.fixture
def pace():
    return Pace(SETTINGS, now=0.0)


def test_the_first_head_counts_from_the_connection_on(pace):
    assert pace.judge(Phase.HEAD, None, now=9.0) == ""
    assert pace.judge(Phase.HEAD, None, now=10.0) == "head too slow"


def test_a_second_head_counts_from_where_it_is_seen(pace):
    first, second = object(), object()
    assert pace.judge(Phase.WORK, first, now=100.0) == ""
    assert pace.judge(Phase.HEAD, first, now=101.0) == ""
    assert pace.judge(Phase.HEAD, first, now=110.9) == ""
    assert pace.judge(Phase.HEAD, second, now=111.1) == ""
    assert pace.judge(Phase.HEAD, second, now=121.1) == "head too slow"


def test_a_body_must_bring_so_much_in_every_stretch(pace):
    body = object()
    assert pace.judge(Phase.BODY, body, now=0, received=0) == ""
    assert pace.judge(Phase.BODY, body, now=10, received=1_000_000) == ""
    assert pace.judge(Phase.BODY, body, now=20, received=1_001_000) == ""
    assert pace.judge(Phase.BODY, body, now=30, received=1_001_999) == "body too slow"


def test_whoever_was_not_asked_to_send_is_not_slow(pace):
    body = object()
    assert pace.judge(Phase.BODY, body, now=0, received=0) == ""
    pace.pause(now=50, received=0)
    assert pace.judge(Phase.BODY, body, now=50, received=0) == ""
    assert pace.judge(Phase.BODY, body, now=60, received=0) == "body too slow"


def test_work_has_no_end(pace):
    work = object()
    assert not any(pace.judge(Phase.WORK, work, now=float(now)) for now in range(0, 10_000, 500))


@pytest.mark.parametrize(
    ("phase", "limit", "reason"),
    [(Phase.IDLE, 16, "idle"), (Phase.HANDSHAKE, 30, "handshake not answered"),
     (Phase.OPEN, 3600, "idle"), (Phase.CLOSING, 30, "close not taken")],
    ids=lambda value: getattr(value, "name", None),
)  # fmt: skip
def test_each_phase_has_its_time(pace, phase, limit, reason):
    assert pace.judge(phase, 1000, now=5) == ""
    assert pace.judge(phase, 1000, now=4.9 + limit) == ""
    assert pace.judge(phase, 1000, now=5.0 + limit) == reason


def test_an_answer_must_be_taken(pace):
    one = object()
    for now in (0, 10, 20):
        assert pace.judge(Phase.WORK, one, now=now, unsent=50_000) == ""
    assert pace.judge(Phase.WORK, one, now=30, unsent=49_000) == "answer not taken"


def test_what_is_written_meanwhile_does_not_hide_that_it_is_taken(pace):
    one = object()
    sizes = [50_000, 48_000, 60_000, 58_000, 60_000]
    for look, size in enumerate(sizes * 20):
        assert pace.judge(Phase.WORK, one, now=look * 5.0, unsent=size) == ""


def test_nor_that_it_is_not(pace):
    """A few bytes now and then, for somebody who reads none."""
    looks = [pace.judge(Phase.WORK, 1, now=float(each), unsent=10 + each) for each in range(40)]
    assert "answer not taken" in looks


def test_what_was_taken_between_two_looks_counts(pace):
    for look in range(40):
        assert pace.judge(Phase.WORK, 1, now=look * 2.0, unsent=60_000) == ""
        pace.take(32_768)


def test_an_empty_buffer_begins_anew(pace):
    for now in range(0, 200, 20):
        assert pace.judge(Phase.WORK, 1, now=now, unsent=0 if now % 40 else 5000) == ""


def test_limits_that_are_lifted():
    settings = ServerSettings(**LIFTED)
    pace = Pace(settings, now=0.0)
    for phase in Phase:
        if phase not in (Phase.IDLE, Phase.HANDSHAKE):
            assert pace.judge(phase, 1, now=0, unsent=9) == ""
            assert pace.judge(phase, 1, now=1e9, unsent=9) == ""
    assert set(settings.dangers) == set(LIFTED)
    assert settings.look_every == 1.0


def test_settings_that_are_none():
    assert ServerSettings().dangers == ()
    assert ServerSettings(drain_delay=0, head_timeout=2).look_every == 0.5
    for wrong in ({"head_timeout": 0}, {"min_rate": -1}, {"drain_delay": -1.0},
                  {"keep_alive": float("nan")}, {"shutdown_timeout": float("inf")}):  # fmt: skip
        with pytest.raises(ConfigurationError, match="give a figure above 0"):
            ServerSettings(**wrong)
