from __future__ import annotations

import asyncio

import pytest

from tests.pipeline.asgi import make_exchange
from zenith.kernel.errors import BadRequestError, PayloadTooLargeError, RequestTimeoutError
from zenith.transport.body import GuardedBody, is_json

JSON = [("content-type", "application/json")]


def body(*chunks, limit=100, headers=(), depth=4):
    exchange = make_exchange("POST", headers=headers, body=chunks)
    is_text = is_json(exchange.headers.get(b"content-type", b""))
    return GuardedBody(exchange, limit=limit, json_depth=depth if is_text else 0)


async def test_what_fits_is_passed_on_as_it_comes():
    receive = body(b"a" * 60, b"b" * 40)
    assert await receive() == {"type": "http.request", "body": b"a" * 60, "more_body": True}
    assert await receive() == {"type": "http.request", "body": b"b" * 40, "more_body": False}
    assert (await receive())["type"] == "http.disconnect"


async def test_what_does_not_fit_is_refused_and_stays_refused():
    receive = body(b"a" * 60, b"b" * 41, b"c")
    await receive()
    for _ in range(3):
        with pytest.raises(PayloadTooLargeError) as caught:
            await receive()
        assert receive._exchange.refusal is caught.value


async def test_json_is_read_whole_and_checked():
    receive = body(b'{"a"', b": 1", b"}", headers=JSON)
    assert await receive() == {"type": "http.request", "body": b'{"a": 1}', "more_body": False}
    assert (await receive())["type"] == "http.disconnect"


async def test_json_in_one_piece():
    receive = body(b"[1]", headers=JSON)
    assert await receive() == {"type": "http.request", "body": b"[1]", "more_body": False}


@pytest.mark.parametrize("chunks", [(b"NaN",), (b"Na", b"N"), (b"[[[[[]]]]]",)])
async def test_json_that_breaks_its_readers(chunks):
    with pytest.raises(BadRequestError):
        await body(*chunks, headers=JSON)()


async def test_json_is_counted_too():
    with pytest.raises(PayloadTooLargeError):
        await body(b"[" * 60, b"]" * 60, headers=JSON)()


async def test_a_client_that_leaves_in_the_midst_is_seen_to_leave():
    messages = [{"type": "http.request", "body": b"[1", "more_body": True}]

    async def receive():
        return messages.pop() if messages else {"type": "http.disconnect"}

    exchange = make_exchange("POST", headers=JSON)
    exchange.receive = receive
    guarded = GuardedBody(exchange, limit=100, json_depth=4)
    assert (await guarded())["type"] == "http.disconnect"


@pytest.mark.parametrize("timed_out", [True, False])
async def test_a_body_that_does_not_come_in_time(timed_out):
    async def receive():
        await asyncio.sleep(60)

    exchange = make_exchange("POST")
    exchange.receive = receive
    task = asyncio.create_task(GuardedBody(exchange, limit=1, json_depth=1)())
    await asyncio.sleep(0)
    exchange.timed_out = timed_out
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(exchange.refusal, RequestTimeoutError) is timed_out


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON ; charset=utf-8", b"application/vnd.api+json"],
)
def test_what_frameworks_parse_as_json(content_type):
    assert is_json(content_type)


@pytest.mark.parametrize(
    "content_type", [b"", b"text/plain; x=/json", b"application/jsonp", b"json", b"multipart/x"]
)
def test_what_they_do_not(content_type):
    assert not is_json(content_type)
