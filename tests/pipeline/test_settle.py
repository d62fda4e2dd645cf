"""What is settled before the answer leaves: kept, undone, or refused."""

from __future__ import annotations

import pytest

from tests.pipeline.asgi import ask, connect, make_scope, websocket_scope
from zenith.kernel.errors import ConflictError, PermissionDeniedError
from zenith.pipeline import Guard, SecurityMiddleware, Stage, exchange_of

START = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b"saved"}


class Settling(Guard):
    """Hears how requests end; `error` is raised where one is to be kept, at once or later."""

    stage = Stage.AUDIT

    def __init__(self, error=None, *, waits=True):
        self.error, self.waits = error, waits
        self.heard = []

    def on_request(self, exchange):
        exchange.settle = self.waiting if self.waits else self.at_once

    def at_once(self, status):
        self.heard.append(status)

    async def waiting(self, status):
        self.heard.append(status)
        if self.error is not None and status is not None:
            raise self.error


async def saved(scope, receive, send):
    await send(dict(START))
    await send(BODY)


async def refused_on_the_way(scope, receive, send):
    exchange_of(scope).refusal = PermissionDeniedError()
    await saved(scope, receive, send)


async def broken(scope, receive, send):
    raise RuntimeError("no answer")


def protected(app, guard):
    return SecurityMiddleware(app, guards=[guard])


@pytest.mark.parametrize("waits", [True, False])
async def test_it_hears_the_status_and_then_the_end(waits):
    guard = Settling(waits=waits)
    answer = await ask(protected(saved, guard), make_scope())
    assert (answer.status, answer.body) == (200, b"saved")
    assert guard.heard == [200, None]


async def test_what_cannot_be_kept_replaces_the_answer():
    guard = Settling(ConflictError("changed since"))
    answer = await ask(protected(saved, guard), make_scope())
    assert answer.status == 409
    assert b"saved" not in answer.body


async def test_it_hears_of_the_refusal_and_not_of_the_answer_it_replaces():
    guard = Settling()
    answer = await ask(protected(refused_on_the_way, guard), make_scope())
    assert answer.status == 403
    assert guard.heard[0] == 403


async def test_it_hears_the_end_where_the_application_breaks():
    guard = Settling()
    with pytest.raises(RuntimeError, match="no answer"):
        await ask(protected(broken, guard), make_scope())
    assert guard.heard == [500, None]


async def test_a_handshake_is_settled_at_its_end():
    async def chat(scope, receive, send):
        await send({"type": "websocket.accept"})

    guard = Settling()
    await connect(protected(chat, guard), websocket_scope())
    assert guard.heard == [None]
