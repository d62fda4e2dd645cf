"""Heads without end, slow heads and trailers, over real sockets."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from zenith.server import BoundedHttpTools
from zenith.server.bounds import MAX_HEAD
from zenith.server.httptools_protocol import MAX_PIPELINED

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
async def server():
    """Answers how many headers and how long a body it got; `seen` are the headers at the end."""
    seen = []

    async def app(scope, receive, send):
        size, more = 0, scope["path"] != "/early"
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        seen[:] = scope["headers"]
        text = f"{size} {scope['path'][:9]}".encode()
        length = str(len(text)).encode()
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", length)]})  # fmt: skip
        await send({"type": "http.response.body", "body": text})

    config = uvicorn.Config(app, http=BoundedHttpTools, log_level="critical", lifespan="off")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: BoundedHttpTools(config=config, server_state=state, app_state={}), "127.0.0.1"
    )
    port = listening.sockets[0].getsockname()[1]

    async def talk(*pieces, until=b"", pause=0.0):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            async with asyncio.timeout(5):
                while not (until and until in answer):
                    part = await reader.read(65536)
                    if not part:
                        break
                    answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        finally:
            writer.close()
        return answer

    talk.seen = seen
    yield talk
    listening.close()
    await asyncio.sleep(0)


async def test_requests_pass_one_after_the_other(server):
    one = HEAD + b"Content-Length: 3\r\n\r\nabc"
    answer = await server(one + one, one, b"GET /x HTTP/1.0\r\n\r\n", until=b"0 /x")
    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.count(b"3 /") == 3


@pytest.mark.parametrize(
    "endless",
    [b"GET /" + b"a" * 2 * MAX_HEAD, HEAD + b"X-A: " + b"a" * 2 * MAX_HEAD,
     HEAD + b"X-A: aaaaaaaaaaaa\r\n" * 8000, HEAD + b"a" * 2 * MAX_HEAD],
    ids=["path", "value", "headers", "name"],
)  # fmt: skip
async def test_a_head_without_end(server, endless):
    pieces = [endless[at : at + 8192] for at in range(0, len(endless), 8192)]
    answer = await server(*pieces)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert b"200" not in answer


async def test_a_large_head_and_body_pass(server):
    head = HEAD + b"X-A: " + b"a" * (MAX_HEAD // 2) + b"\r\nContent-Length: 2000000\r\n\r\n"
    answer = await server(head, b"b" * 2_000_000, until=b"2000000 /")
    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_a_body_of_tiny_chunks_passes(server):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await server(head, b"1\r\nb\r\n" * 15_000, b"0\r\n\r\n", until=b"15000 /")
    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_trailers_are_dropped(server):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    trailers = b"0\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
    answer = await server(head, trailers, until=b"3 /")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert {name for name, _ in server.seen} == {b"host", b"transfer-encoding"}


async def test_trailers_without_end(server):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
    answer = await server(head, *[b"X-A: " + b"a" * 8000 + b"\r\n"] * 20)
    assert answer == b""


async def test_small_chunks_earn_no_room_for_trailers(server):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nb\r\n" * 15_000
    answer = await server(head, b"0\r\n", *[b"X-A: " + b"a" * 8000 + b"\r\n"] * 12, b"\r\n")
    assert answer == b""


async def test_one_read_does_not_hold_requests_by_the_thousand(server):
    many = b"GET / HTTP/1.1\r\n\r\n" * 3000
    answer = await server(many)
    assert 0 < answer.count(b"HTTP/1.1 200 OK") <= 5 * MAX_PIPELINED
    few = b"GET / HTTP/1.1\r\n\r\n" * MAX_PIPELINED + b"GET /x HTTP/1.1\r\n\r\n"
    answer = await server(few, until=b"0 /x")
    assert answer.count(b"HTTP/1.1 200 OK") == MAX_PIPELINED + 1


async def test_a_body_that_was_not_asked_for_does_not_swallow_the_next_request(server):
    head = HEAD.replace(b"/ ", b"/early ", 1) + b"Content-Length: 9\r\n"
    expecting = head + b"Expect: 100-continue\r\n\r\n"
    answer = await server(expecting)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in answer
    # Who did not wait to be asked may go on, and whose body was asked for.
    answer = await server(expecting + b"123456789", b"GET /x HTTP/1.0\r\n\r\n", until=b"0 /x")
    assert answer.count(b"connection: close") == 1
    asked = expecting.replace(b"/early", b"/")
    answer = await server(
        asked, b"123456789", b"GET /x HTTP/1.0\r\n\r\n", until=b"0 /x", pause=0.02
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert answer.count(b"connection: close") == 1
