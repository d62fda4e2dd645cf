from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.asgi import Answer, make_exchange, websocket_scope
from zenith.kernel.errors import BadRequestError, PayloadTooLargeError, PermissionDeniedError
from zenith.pipeline import Exchange
from zenith.pipeline.response import GuardedResponse, StreamEndedError

START = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]}
BODY = {"type": "http.response.body", "body": b"hello"}


def response(exchange, *hooks):
    answer = Answer()
    return GuardedResponse(exchange, answer.send, hooks), answer


async def test_hooks_run_once_when_the_response_starts():
    exchange, seen = make_exchange(), []
    exchange.deadline = 5.0

    async def first(exchange):
        seen.append(exchange.status)
        exchange.response_headers.append((b"b", b"2"))

    async def second(exchange):
        seen.append(exchange.response_headers[-1])

    send, answer = response(exchange, first, second)
    await send(dict(START))
    await send(BODY)
    assert seen == [200, (b"b", b"2")]
    assert answer.messages == [START | {"headers": [(b"a", b"1"), (b"b", b"2")]}, BODY]
    assert exchange.started
    assert exchange.deadline == float("inf")


async def test_headers_may_be_left_out():
    exchange = make_exchange()
    send, answer = response(exchange)
    await send({"type": "http.response.start", "status": 204})
    assert (exchange.status, answer.headers) == (204, {})


async def test_the_hooks_do_not_change_what_the_application_keeps():
    headers = [(b"a", b"1")]

    async def hook(exchange):
        exchange.response_headers.clear()

    send, answer = response(make_exchange(), hook)
    await send(START | {"headers": headers})
    assert headers == [(b"a", b"1")]
    assert answer.headers == {}


async def test_a_denied_handshake_passes_the_hooks_too():
    seen = []

    async def hook(exchange):
        seen.append(exchange.status)

    send, _ = response(make_exchange(), hook)
    await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
    assert seen == [403]


async def test_an_accepted_handshake_has_begun():
    exchange = make_exchange()
    send, answer = response(exchange)
    await send({"type": "websocket.accept"})
    assert exchange.started
    assert answer.messages == [{"type": "websocket.accept"}]


async def test_a_refusal_replaces_the_applications_answer():
    exchange, seen = make_exchange(), []

    async def hook(exchange):
        seen.append(exchange.status)

    send, answer = response(exchange, hook)
    exchange.refusal = PayloadTooLargeError()
    await send({"type": "http.response.start", "status": 500, "headers": [(b"x", b"y")]})
    await send(BODY)
    assert (answer.status, seen) == (413, [413])
    assert b"x" not in answer.headers
    assert b"hello" not in answer.body
    assert len(answer.messages) == 2


async def test_what_has_begun_is_not_replaced():
    exchange = make_exchange()
    send, answer = response(exchange)
    await send(dict(START))
    exchange.refusal = PayloadTooLargeError()
    await send(BODY)
    assert (answer.status, answer.body) == (200, b"hello")


async def test_of_two_refusals_the_first_is_told_and_remembered():
    exchange = make_exchange()
    send, answer = response(exchange)
    exchange.refusal = PayloadTooLargeError()
    await send.refuse(BadRequestError())
    assert answer.status == 413
    assert exchange.failure is exchange.refusal


async def test_a_refusal_alone():
    exchange, error = make_exchange(), PermissionDeniedError()
    send, answer = response(exchange)
    await send.refuse(error)
    assert answer.status == 403
    assert exchange.failure is error


async def test_headers_of_an_accepted_socket_are_shown_to_hooks_of_their_own():
    def plain(exchange):
        raise AssertionError("an accepted socket is no response")

    def sign(exchange, headers):
        headers.append((b"x-signed", exchange.path.encode()))

    answer = Answer()
    exchange = Exchange(websocket_scope("/s"), None)
    response = GuardedResponse(exchange, answer.send, (plain,), (sign,))
    await response({"type": "websocket.accept", "headers": ((b"a", b"1"),)})
    assert answer.messages[0]["headers"] == [(b"a", b"1"), (b"x-signed", b"/s")]
    await response({"type": "websocket.accept"})
    assert "headers" not in answer.messages[1]


def answering(*answers):
    """What is asked before anything more leaves."""
    left = list(answers)

    async def still():
        await asyncio.sleep(0)
        return left.pop(0)

    return still


PART = {"type": "http.response.body", "body": b"part", "more_body": True}
SAID = {"type": "websocket.send", "text": "news"}


async def test_a_stream_ends_where_its_caller_may_have_no_more():
    exchange = make_exchange()
    send, answer = response(exchange)
    await send(dict(START))
    exchange.still = answering(True, False)
    await send(PART)
    with pytest.raises(OSError, match="may not have more"):
        await send(PART)
    await send(PART)
    assert answer.messages[1:] == [PART, {"type": "http.response.body", "body": b""}]


@pytest.mark.parametrize("refusal", [None, PermissionDeniedError("Gone")])
async def test_a_socket_closes_once_for_all_who_send(refusal):
    exchange = Exchange(websocket_scope(), None)
    send, answer = response(exchange)
    await send({"type": "websocket.accept"})
    exchange.refusal, exchange.still = refusal, answering(False, False)
    found = await asyncio.gather(send(SAID), send(SAID), return_exceptions=True)
    assert [type(each) for each in found] == [StreamEndedError] * 2
    await send(SAID)
    (close,) = answer.messages[1:]
    title = "Authentication required" if refusal is None else "Permission denied"
    assert close == {"type": "websocket.close", "code": 1008, "reason": title}
