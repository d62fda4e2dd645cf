"""WebSockets that are forgotten, too large, silent, or never read, over real sockets."""

from __future__ import annotations

import base64
import socket
import struct
import time
import zlib

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.server.thread import problem, running, talking
from zenith.server import BoundedH11, BoundedHttpTools, ServerSettings, Serving

LIMIT = 0.3
MOST = 6
HELLO = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n"
)


class Events:
    def __init__(self):
        self.seen = []

    def note(self, event):
        self.seen.append(event.reason)


@pytest.fixture(scope="module")
def server():
    settings = ServerSettings(
        answer_timeout=LIMIT,
        min_rate=100_000,
        websocket_handshake_timeout=LIMIT,
        websocket_idle_timeout=LIMIT,
        websocket_max_message=2000,
        websocket_ping_interval=0.1,
        websocket_ping_timeout=0.2,
        max_connections_per_address=MOST,
    )
    with running(BoundedHttpTools, Serving(settings=settings, events=Events())) as found:
        yield found


@pytest.fixture(autouse=True)
def clean(server):
    yield
    server.clean()


def dial(server, path="/socket", **options):
    return connect(f"ws://127.0.0.1:{server.port}{path}", **options)


def raw(server, path: bytes, headers: bytes = b"", **options):
    client = server.connect(HELLO % (path, base64.b64encode(b"k" * 16), headers), **options)
    assert client.read(12).startswith(b"HTTP/1.1 101")
    return client


def frame(kind: int, data: bytes) -> bytes:
    """A frame as clients send them: masked, here with zeros."""
    assert len(data) < 65536
    size = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0xFE, len(data))
    return bytes([kind]) + size + bytes(4) + data


@talking
def test_messages_pass_and_pings_are_answered(server):
    with dial(server) as client:
        for _ in range(5):
            client.send("x" * 1500)
            assert client.recv() == "x" * 1500
            time.sleep(LIMIT / 4)
        client.ping().wait(1)


@talking
def test_whoever_is_silent_is_told_to_go(server):
    """Pings are answered by the library; they are no message."""
    with dial(server) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=3)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "idle")


@talking
def test_whoever_answers_no_ping_is_told_so(server):
    client = raw(server, b"/socket")
    assert b"keepalive ping timeout" in client.rest()


@talking
def test_messages_that_are_too_large(server):
    with dial(server) as client:
        client.send("x" * 3000)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=3)
    assert closed.value.rcvd.code == 1009


@talking
def test_a_packed_message_is_measured_unpacked(server):
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(b"x" * 1_000_000) + bomb.flush(zlib.Z_SYNC_FLUSH)
    client = raw(server, b"/socket", b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
    client.send(frame(0xC2, packed[:-4]))
    assert struct.pack("!H", 1009) in client.rest()


@talking
def test_an_application_that_does_not_decide(server):
    with pytest.raises(InvalidStatus) as refused:
        dial(server, "/never", open_timeout=3)
    response = refused.value.response
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert "handshake not answered" in server.serving.events.seen


@talking
def test_whoever_does_not_read_is_cut_off(server):
    client = raw(server, b"/flood", buffer=4096)
    until = time.monotonic() + 3
    while "answer not taken" not in server.serving.events.seen and time.monotonic() < until:
        client.send(frame(0x89, b"ping"))
        time.sleep(0.02)
    assert "answer not taken" in server.serving.events.seen


@talking
def test_sockets_count_as_connections(server):
    held = [raw(server, b"/socket") for _ in range(MOST)]
    assert server.connect().rest().startswith(b"HTTP/1.1 429 ")
    for each in held:
        each.raw.shutdown(socket.SHUT_RDWR)
    time.sleep(0.05)
    assert raw(server, b"/socket")


@talking
def test_a_handshake_that_is_none(server):
    answer = server.connect(HELLO % (b"/socket", b"<script>", b"")).rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"script" not in answer
    assert problem(answer)["code"] == "bad_request"
    other = server.connect(b"GET / HTTP/1.1\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n")
    assert other.read(12).startswith(b"HTTP/1.1 ")


def test_h11_hands_sockets_over_too():
    def talk():
        with dial(server) as client:
            client.send("hello")
            assert client.recv() == "hello"

    with running(BoundedH11, Serving()) as server:
        server.talk(talk)


@talking
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 3\r\n", b"abc"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"X-A: " + b"a" * 9000 + b"\r\n", b""),
        (b"X-A: a\r\n" * 200, b""),
    ],
    ids=["body", "chunks", "long", "many"],
)
def test_what_is_no_handshake_is_told_so_at_once(server, headers, body):
    head = HELLO % (b"/socket", base64.b64encode(b"k" * 16), headers)
    answer = server.connect(head + body).rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert problem(answer)["code"] == "bad_request"
    assert "malformed handshake" in server.serving.events.seen
