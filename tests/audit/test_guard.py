from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest

from tests.audit.fakes import Store
from zenith.audit import CATALOGUE, AuditGuard, AuditLog, AuditSettings
from zenith.audit.refusals import kind_of
from zenith.kernel.errors import (
    AuthenticationError,
    CsrfError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    SecurityError,
)
from zenith.kernel.events import Event, EventType
from zenith.kernel.principal import Principal
from zenith.pipeline import (
    Exchange,
    Guard,
    Message,
    Receive,
    Scope,
    SecurityMiddleware,
    Send,
    Stage,
    exchange_of,
)

ADA = Principal(subject="ada", session_id="s1", scheme="session")
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Caller(Guard):
    """Stands for authentication and for what refuses after it."""

    stage: ClassVar[Stage] = Stage.AUTHENTICATION

    def __init__(self, failure: SecurityError | None, principal: Principal | None) -> None:
        self._failure = failure
        self._principal = principal

    async def on_request(self, exchange: Exchange) -> None:
        exchange.route = "/orders/{id}"
        if self._principal is not None:
            exchange.principal = self._principal
        if self._failure is not None:
            raise self._failure


def answering(status: int, headers: list[tuple[bytes, bytes]] | None = None) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers or []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("password of ada is hunter2")


class Run:
    """Requests against an application behind the audit guard, and the events that follow."""

    def __init__(self, settings: AuditSettings | None = None, *, window: float = 60.0) -> None:
        self.store = Store()
        self.log = AuditLog(self.store, settings)
        self.guard = AuditGuard(self.log, settings, clock=lambda: 77.0, window=window)

    async def request(
        self,
        app: App,
        failure: SecurityError | None = None,
        principal: Principal | None = ADA,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        client: str = "192.0.2.1",
    ) -> dict[bytes, bytes]:
        sent: list[Message] = []
        middleware = SecurityMiddleware(app, guards=[self.guard, Caller(failure, principal)])
        middleware._started = True

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": "DELETE",
            "path": "/orders/secret-in-path",
            "query_string": b"token=hunter2",
            "headers": [(b"user-agent", b"Firefox\x00"), *headers],
            "client": (client, 1),
        }
        with contextlib.suppress(LookupError):
            await middleware(scope, receive, send)
        return dict(sent[0]["headers"])

    async def events(self) -> list[Event]:
        await self.guard.startup()
        await self.guard.shutdown()
        return [stored.event for stored in await self.store.events()]


async def test_a_refusal_is_recorded_with_who_what_where_and_why() -> None:
    run = Run()
    headers = await run.request(answering(200), PermissionDeniedError(reason="ada lacks orders"))
    (event,) = await run.events()
    assert event == Event(
        type=EventType.PERMISSION_DENIED,
        outcome="denied",
        at=77.0,
        subject="ada",
        target="DELETE /orders/{id}",
        session_id="s1",
        scheme="session",
        address="192.0.2.1",
        user_agent=r"Firefox\x00",
        request_id=headers[b"x-request-id"].decode(),
        reason="ada lacks orders",
        severity="WARNING",
        details={"status": 403},
    )
    assert "hunter2" not in repr(event)
    assert "secret-in-path" not in repr(event)


@pytest.mark.parametrize(
    ("failure", "headers", "kind", "reason"),
    [
        (CsrfError(), (), EventType.CSRF_REFUSED, "csrf_failed"),
        (
            AuthenticationError(reason="expired"),
            ((b"authorization", b"Bearer x"),),
            EventType.AUTHENTICATION_FAILED,
            "expired",
        ),
        (RateLimitError(retry_after=3, reason="ip"), (), EventType.RATE_LIMITED, "ip"),
    ],
)
async def test_refusals_have_their_types(
    failure: SecurityError, headers: Any, kind: EventType, reason: str
) -> None:
    run = Run()
    await run.request(answering(200), failure, None, headers)
    (event,) = await run.events()
    assert (event.type, event.reason, event.subject) == (kind, reason, None)
    assert "Bearer" not in repr(event)


@pytest.mark.parametrize("status", [200, 204, 303, 404])
async def test_ordinary_responses_cost_no_event_and_no_id(status: int) -> None:
    run = Run()
    assert b"x-request-id" not in await run.request(answering(status))
    assert await run.events() == []


async def test_an_invitation_to_sign_in_is_no_event() -> None:
    run = Run()
    await run.request(answering(200), AuthenticationError(), None)
    assert await run.events() == []


async def test_a_broken_handler_is_recorded_without_its_message() -> None:
    run = Run()
    headers = await run.request(raising)
    (event,) = await run.events()
    assert (event.type, event.outcome, event.severity) == (
        EventType.UNHANDLED_ERROR,
        "error",
        "ERROR",
    )
    assert event.reason == "builtins.LookupError"
    assert "hunter2" not in repr(event)
    assert headers[b"x-request-id"].decode() == event.request_id


async def test_a_500_that_nobody_raised_has_no_reason() -> None:
    """A credential that did not hold on a public route is not why the handler failed."""
    run = Run()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).failure = AuthenticationError(reason="expired")
        await answering(500)(scope, receive, send)

    await run.request(app)
    (event,) = await run.events()
    assert event.reason == ""


async def test_the_applications_own_request_id_gives_way() -> None:
    run = Run()
    headers = await run.request(answering(403, [(b"X-Request-ID", b"mine"), (b"a", b"b")]))
    (event,) = await run.events()
    assert headers == {b"a": b"b", b"x-request-id": (event.request_id or "").encode()}


async def test_a_refusal_behind_the_frameworks_own_answer_is_recorded() -> None:
    """A body that grows too large while it is read: the framework would answer 400."""
    run = Run()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).refusal = PayloadTooLargeError(reason="1048577 bytes")
        await answering(400)(scope, receive, send)

    await run.request(app)
    (event,) = await run.events()
    assert (event.type, event.reason) == (EventType.REQUEST_REFUSED, "1048577 bytes")
    assert event.details == {"status": 413}


async def test_where_no_route_is_known_none_is_named() -> None:
    run = Run()
    exchange = Exchange({"type": "http", "method": "GET", "path": "/x", "headers": []}, None)  # type: ignore[arg-type]
    exchange.status = 403
    run.guard.on_response(exchange)
    (event,) = await run.events()
    assert event.target is None
    assert event.address == "unknown"


async def test_a_summary_comes_each_window_and_at_the_end() -> None:
    run = Run(AuditSettings(refusals_per_client=1), window=0.01)
    await run.guard.startup()
    for _ in range(3):
        await run.request(answering(403))
    await asyncio.sleep(0.05)
    for _ in range(2):
        await run.request(answering(429), client="2001:db8::1")
    await run.guard.shutdown()
    found = [stored.event for stored in await run.store.events()]
    assert [(event.type, event.address) for event in found] == [
        (EventType.PERMISSION_DENIED, "192.0.2.1"),
        (EventType.SUSPICIOUS_ACTIVITY, "192.0.2.1"),
        (EventType.RATE_LIMITED, "2001:db8::1"),
        (EventType.SUSPICIOUS_ACTIVITY, "2001:db8::/64"),
    ]
    assert found[1].details == {"seconds": 0.01, "counted": {"PERMISSION_DENIED": 2}}


async def test_shutdown_without_startup_is_quiet() -> None:
    run = Run()
    await run.guard.shutdown()
    assert run.guard._ticking is None


async def test_every_decision_is_recorded_where_that_is_asked_for() -> None:
    run = Run(AuditSettings(record_decisions=True))

    async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).admitted = (object(), ADA)
        await answering(200)(scope, receive, send)

    assert b"x-request-id" not in await run.request(admitted)
    await run.request(answering(200))
    (event,) = await run.events()
    assert (event.type, event.outcome, event.severity) == (
        EventType.ACCESS_GRANTED,
        "success",
        "INFO",
    )
    assert (event.subject, event.target) == ("ada", "DELETE /orders/{id}")


async def test_input_that_validation_refused_is_recorded() -> None:
    run = Run()
    await run.request(answering(422))
    (event,) = await run.events()
    assert (event.type, event.outcome, event.severity) == (
        EventType.INPUT_REFUSED,
        "denied",
        "INFO",
    )


async def test_what_an_unforeseen_event_names_is_critical_for_none() -> None:
    """What the guard notes may wait: no type that must not is among it."""
    kinds = {kind_of(status, None, presented=True) for status in range(400, 600)}
    assert not [kind for kind in kinds if kind is not None and CATALOGUE[kind].critical]
