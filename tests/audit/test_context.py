"""What the running request adds to an event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.audit.fakes import Store, event
from zenith.audit import AuditLog
from zenith.audit.context import in_context
from zenith.kernel.principal import Principal
from zenith.pipeline.exchange import Exchange, current_exchange

OWN = "0" * 32
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ADA = Principal(subject="ada", session_id="s1", scheme="session")


@contextmanager
def serving(principal: Principal = ADA, traceparent: bytes | None = None) -> Iterator[Exchange]:
    headers = [(b"user-agent", b"Browser/1")]
    if traceparent is not None:
        headers.append((b"traceparent", traceparent))
    scope: dict[str, Any] = {"type": "http", "path": "/", "headers": headers}
    scope["client"] = ("192.0.2.7", 1)

    async def receive() -> dict[str, Any]:
        return {}

    exchange = Exchange(scope, receive)
    exchange.principal = principal
    token = current_exchange.set(exchange)
    try:
        yield exchange
    finally:
        current_exchange.reset(token)


def test_outside_of_requests_nothing_is_added() -> None:
    bare = event(subject="ada")
    assert in_context(bare) is bare


def test_what_was_left_out_is_added() -> None:
    with serving(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01".encode()) as exchange:
        found = in_context(event(subject="ada"))
    assert found.trace_id == TRACE
    assert found.request_id == exchange.request_id
    assert (found.address, found.user_agent) == ("192.0.2.7", "Browser/1")
    assert (found.scheme, found.session_id) == ("session", "s1")


def test_what_was_said_stands() -> None:
    said = event(
        subject="ada",
        trace_id="t",
        request_id="r",
        address="a",
        user_agent="u",
        scheme="password",
        session_id="s9",
    )
    with serving(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01".encode()):
        assert in_context(said) is said


def test_the_caller_is_not_taken_for_somebody_else() -> None:
    with serving():
        assert in_context(event(subject="bob")).scheme == ""
        assert in_context(event()).session_id is None
    with serving(Principal(subject="ada", scheme="api_key")):
        found = in_context(event(subject="ada"))
    assert (found.scheme, found.session_id) == ("api_key", None)


def test_a_header_that_does_not_hold_adds_no_trace() -> None:
    with serving(traceparent=b"00-forged\x1b[31m"):
        assert in_context(event()).trace_id is None


async def test_the_log_asks_while_the_request_runs_and_names_each_event() -> None:
    store = Store()
    log = AuditLog(store)
    with serving(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01".encode()):
        log.note(event(subject="ada"))
        await log.record(event(subject="ada", event_id=OWN))
        await log.record(event(event_id="' OR 1=1"))
    await log.start()
    await log.stop()
    first, second, third = [stored.event for stored in await store.events()]
    assert (first.trace_id, second.trace_id) == (TRACE, TRACE)
    assert first.event_id == OWN
    assert len(third.event_id) == 32
    assert re.fullmatch("[0-9a-f]{32}", second.event_id)
