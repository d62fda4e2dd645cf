from __future__ import annotations

from zenith.pipeline import Stage


def test_the_order_is_a_promise():
    assert [stage.name for stage in sorted(Stage)] == [
        "AUDIT",
        "HEADERS",
        "TRANSPORT",
        "RATE_LIMIT",
        "SESSION",
        "AUTHENTICATION",
        "CSRF",
        "AUTHORIZATION",
    ]
