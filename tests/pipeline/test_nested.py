"""One pipeline inside another, a start that has to wait for the first request, refused sockets."""

from __future__ import annotations

import pytest

from tests.pipeline.asgi import Answer, make_scope, receiver, websocket_scope
from zenith.authentication import AuthenticationGuard
from zenith.authorization import AuthorizationGuard, authenticated
from zenith.kernel.errors import ServiceUnavailableError
from zenith.kernel.principal import Principal
from zenith.pipeline import Guard, SecurityMiddleware, Stage


class Scheme:
    name, challenge = "test", None

    def __init__(self, subject):
        self.subject = subject

    async def authenticate(self, exchange):
        return None if self.subject is None else Principal(subject=self.subject, scheme="test")


@authenticated
async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def call(app, scope):
    answer = Answer()
    await app(scope, receiver(), answer.send)
    return answer


class Seen(Guard):
    stage = Stage.AUDIT

    def __init__(self):
        self.statuses = []

    def on_response(self, exchange):
        self.statuses.append((exchange.status, exchange.failure))


async def test_a_pipeline_that_asks_nobody_believes_the_one_around_it():
    inner = SecurityMiddleware(hello, guards=[AuthorizationGuard()])
    outer = SecurityMiddleware(
        authenticated(inner), guards=[AuthenticationGuard([Scheme("ada")]), AuthorizationGuard()]
    )
    assert (await call(outer, make_scope())).status == 200


async def test_a_pipeline_that_authenticates_has_callers_of_its_own():
    inner = SecurityMiddleware(hello, guards=[AuthenticationGuard([Scheme(None)])])
    outer = SecurityMiddleware(inner, guards=[AuthenticationGuard([Scheme("ada")])])
    assert (await call(outer, make_scope())).status == 401


class Absent(Guard):
    stage = Stage.AUDIT
    away = True

    async def startup(self):
        if self.away:
            raise ServiceUnavailableError(reason="no database")


async def test_a_late_start_that_fails_is_a_clear_503_and_is_tried_again():
    guard = Absent()
    app = SecurityMiddleware(hello, guards=[guard, AuthenticationGuard([Scheme("ada")])])
    refused = await call(app, make_scope())
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    guard.away = False
    assert (await call(app, make_scope())).status == 200


@pytest.mark.parametrize("subject", [None, "ada"])
async def test_the_guards_hear_of_a_refused_handshake(subject):
    seen = Seen()

    @authenticated
    async def socket(scope, receive, send):
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})

    app = SecurityMiddleware(socket, guards=[seen, AuthenticationGuard([Scheme(subject)])])
    await call(app, websocket_scope())
    expected = [] if subject else [(403, "AuthenticationError")]
    assert [(status, type(failure).__name__) for status, failure in seen.statuses] == expected
