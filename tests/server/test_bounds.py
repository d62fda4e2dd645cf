"""The protocols on a transport that is none; tests/attacks/test_slow_clients.py has sockets."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from tests.server.thread import problem
from zenith.server import BoundedH11, BoundedHttpTools, ServerSettings, Serving
from zenith.server.bounds import BoundedConnection
from zenith.server.connections import LINES
from zenith.server.pace import Phase

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Transport:
    """Keeps what is written."""

    def __init__(self):
        self.written = b""
        self.unsent = 0
        self.closed = self.aborted = False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True

    def is_closing(self):
        return self.closed

    def get_write_buffer_size(self):
        return self.unsent

    def get_extra_info(self, name):
        return ("192.0.2.1", 5000) if name == "peername" else None

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def set_protocol(self, protocol):
        self.protocol = protocol


class Application:
    """Waits for the body, then answers when it is let."""

    serving = Serving(settings=ServerSettings())

    def __init__(self):
        self.may_answer = asyncio.Event()
        self.messages = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            await self.may_answer.wait()
            await send({"type": "websocket.accept"})
            self.messages.append(await receive())
            return
        while (message := await receive()).get("more_body"):
            self.messages.append(message)
        self.messages.append(message)
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", b"2")]})  # fmt: skip
        await send({"type": "http.response.body", "body": b"ok"})


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture(params=[BoundedHttpTools, BoundedH11], ids=["httptools", "h11"])
async def connection(request):
    application = Application()
    config = uvicorn.Config(application, http=request.param, log_config=None, access_log=False)
    config.load()
    state = ServerState()
    found = request.param(config=config, server_state=state, app_state={})
    found.connection_made(Transport())
    found.application = application
    yield found
    if not found.transport.is_closing():
        application.may_answer.set()
        await settle()
    found.connection_lost(None)
    await settle()


async def test_phases_of_a_request(connection):
    assert connection.phase() is Phase.HEAD
    connection.data_received(POST)
    assert connection.phase() is Phase.HEAD
    connection.data_received(b"Content-Length: 3\r\n\r\na")
    assert connection.phase() is Phase.BODY
    connection.data_received(b"bc")
    assert connection.phase() is Phase.WORK
    connection.application.may_answer.set()
    await settle()
    assert connection.transport.written.endswith(b"ok")
    assert connection.phase() is Phase.IDLE
    connection.data_received(POST)
    assert connection.phase() is Phase.HEAD
    connection.transport.close()
    assert connection.phase() is Phase.CLOSING


async def test_a_slow_head_is_answered(connection):
    connection.data_received(POST)
    connection.end("head too slow")
    assert connection.transport.written.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert connection.transport.closed


@pytest.mark.parametrize("sent", [b"", GET], ids=["nothing", "request"])
async def test_whoever_says_nothing_is_told_nothing(connection, sent):
    connection.application.may_answer.set()
    connection.data_received(sent) if sent else None
    await settle()
    before = connection.transport.written
    connection.end("idle" if sent else "head too slow")
    assert connection.transport.closed
    assert connection.transport.written == before


async def test_a_slow_body_ends_the_request(connection):
    connection.data_received(POST + b"Content-Length: 300\r\n\r\na")
    await settle()
    now = connection.loop.time()
    assert connection.look(now) == ""
    assert connection.look(now + 11) == "body too slow"
    connection.end("body too slow")
    assert connection.transport.written.startswith(b"HTTP/1.1 408 ")
    connection.application.may_answer.set()
    await settle()
    assert connection.application.messages[-1] == {"type": "http.disconnect"}
    assert connection.transport.written.count(b"HTTP/1.1") == 1


async def test_a_body_that_was_not_asked_for_is_not_slow(connection):
    connection.data_received(POST + b"Content-Length: 300\r\nExpect: 100-continue\r\n\r\n")
    now = connection.loop.time()
    for later in range(0, 60, 5):
        assert connection.look(now + later) == ""
    await settle()
    assert connection.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n" or (
        connection.transport.written.startswith(b"HTTP/1.1 100")
    )
    assert connection.look(now + 66) == "body too slow"


async def test_an_answer_that_has_begun_is_not_garbled(connection):
    connection.data_received(POST + b"Content-Length: 3\r\n\r\na")
    connection.cycle.response_started = True
    connection.end("body too slow")
    assert connection.transport.written == b""
    assert connection.transport.closed


async def test_an_answer_that_is_not_taken_is_dropped(connection):
    connection.data_received(GET)
    connection.transport.unsent = 90_000
    now = connection.loop.time()
    assert connection.look(now) == ""
    assert connection.look(now + 29) == ""
    assert connection.look(now + 31) == "answer not taken"
    connection.end("answer not taken")
    assert connection.transport.aborted


async def test_whoever_reads_goes_on(connection):
    connection.data_received(GET)
    connection.transport.unsent = 90_000
    now = connection.loop.time()
    for later in range(0, 120, 10):
        assert connection.look(now + later) == ""
        connection.pause_writing()
        connection.resume_writing()


async def test_what_is_no_http(connection, caplog):
    connection.data_received(b"\x16\x03\x01\r\n\r\n")
    assert connection.transport.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in connection.transport.written
    assert connection.transport.closed
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("malformed HTTP: connection from 192.0.2.1 ended, ")


@pytest.mark.parametrize("chunk", [b"-3\r\n", b"0x3\r\nabc\r\n", b"3\r\nabcdef\r\n", b"\x00\r\n"])
async def test_a_malformed_body_is_answered_at_once(connection, chunk):
    connection.data_received(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    connection.data_received(b"3\r\nabc\r\n")
    await settle()
    connection.data_received(chunk)
    assert connection.transport.written.startswith(b"HTTP/1.1 400 ")
    assert connection.transport.closed
    await settle()
    assert connection.application.messages[-1] == {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "target", [b"http://evil.example/", b"HTTPS://localhost/", b"*", b"evil.example:443"]
)
async def test_a_target_that_is_no_path_is_refused_or_told_on(connection, target):
    connection.data_received(GET.replace(b"/ HTTP", target + b" HTTP"))
    if isinstance(connection, BoundedHttpTools):
        assert connection.transport.written.startswith(b"HTTP/1.1 400 ")
    else:
        # The firewall sees it as it came.
        assert connection.cycle.scope["raw_path"] == target


@pytest.mark.parametrize("target", [b"/a#b", b"/a?b#c", b"/#"])
async def test_a_fragment_is_refused_or_told_on(connection, target):
    connection.data_received(GET.replace(b"/ HTTP", target + b" HTTP"))
    if isinstance(connection, BoundedHttpTools):
        assert connection.transport.written.startswith(b"HTTP/1.1 400 ")
    else:
        scope = connection.cycle.scope
        assert b"#" in scope["raw_path"] + scope["query_string"]


async def test_what_follows_a_request_waits_for_its_answer(connection):
    connection.data_received(GET)
    connection.data_received(b"\x00\x01\r\n\r\n")
    assert not connection.transport.closed
    connection.application.may_answer.set()
    await settle()
    assert connection.transport.written.partition(b"\r\n\r\n")[2].startswith(b"ok")
    assert connection.transport.closed


async def test_too_many(connection):
    watch = connection._watch
    watch.limit = 1
    other = type(connection)(
        config=connection.config, server_state=connection.server_state, app_state={}
    )
    other.connection_made(Transport())
    assert other.transport.written.startswith(b"HTTP/1.1 503 ")
    assert other.transport.closed
    other.connection_lost(None)


async def test_lines_are_bounded(connection, caplog):
    watch = connection._watch
    for _ in range(LINES + 5):
        watch.tell(connection, "reason")
    assert len(caplog.records) == LINES
    watch._look()
    assert caplog.records[-1].getMessage() == "5 more connections ended"
    watch.tell(connection, "reason")
    assert len(caplog.records) == LINES + 2


async def test_clients_of_a_socket_for_both_kinds_of_addresses(connection, monkeypatch):
    known = {"peername": ("::ffff:192.0.2.7", 5000)}
    monkeypatch.setattr(Transport, "get_extra_info", lambda _, name: known.get(name))
    found = type(connection)(config=connection.config, server_state=ServerState(), app_state={})
    found.connection_made(Transport())
    assert (found.client, found.peer) == (("192.0.2.7", 5000), "192.0.2.7")
    found.data_received(UPGRADE)
    assert found.transport.protocol.client == ("192.0.2.7", 5000)
    found.transport.protocol.connection_lost(None)
    await settle()


async def test_other_websockets_are_left_alone(connection):
    class Foreign:
        pass

    connection.ws_protocol_class = Foreign
    connection._watch.leave(connection)
    connection.connection_made(Transport())
    assert connection.ws_protocol_class is Foreign
    connection.ws_protocol_class = None
    connection._watch.leave(connection)
    connection.connection_made(Transport())
    assert connection.ws_protocol_class is None


UPGRADE = GET[:-2] + (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: a2tra2tra2tra2tra2traw==\r\n\r\n"
)
PING = b"\x89\x84\x00\x00\x00\x00ping"


@pytest.fixture
async def websocket(connection):
    connection.data_received(UPGRADE)
    yield connection.transport.protocol
    connection._watch.enter(connection)  # as the connection itself is taken back next
    connection.transport.protocol.connection_lost(None)
    await settle()


async def test_a_socket_takes_the_place_of_its_connection(connection, websocket):
    assert connection not in connection._watch._open
    assert websocket.phase() is Phase.HANDSHAKE
    connection.application.may_answer.set()
    await settle()
    assert connection.transport.written.startswith(b"HTTP/1.1 101 ")
    assert websocket.phase() is Phase.OPEN
    websocket.shutdown()
    assert connection.transport.written.endswith(b"\x88\x02\x03\xe9")
    assert websocket.phase() is Phase.CLOSING
    await settle()
    assert connection.application.messages[-1]["code"] == 1001


async def test_a_socket_that_was_not_accepted_is_no_websocket(connection, websocket):
    websocket.shutdown()
    written = connection.transport.written
    assert written.startswith(b"HTTP/1.1 500 ")
    assert problem(written)["code"] == "internal_server_error"


async def test_what_is_no_handshake_is_answered_once(connection):
    handshake = UPGRADE.replace(b"\r\n\r\n", b"\r\nX-A: " + b"a" * 9000 + b"\r\n\r\n")
    connection.data_received(handshake)
    written = connection.transport.written
    assert written.startswith(b"HTTP/1.1 400 ")
    # What was on its way already, under TLS.
    connection.transport.protocol.data_received(b"more")
    assert connection.transport.written == written
    connection._watch.enter(connection)  # as the connection itself is taken back next
    connection.transport.protocol.connection_lost(None)
    await settle()


async def test_only_the_last_ping_is_answered_to_whoever_did_not_read(connection, websocket):
    connection.application.may_answer.set()
    await settle()
    before = len(connection.transport.written)
    websocket.data_received(PING)
    assert connection.transport.written[before:] == b"\x8a\x04ping"
    websocket.pause_writing()
    for _ in range(50):
        websocket.data_received(PING)
    assert len(connection.transport.written) == before + 6
    websocket.resume_writing()
    assert connection.transport.written[before + 6 :] == b"\x8a\x04ping"
    websocket.resume_writing()
    assert len(connection.transport.written) == before + 12


def test_a_protocol_says_its_phases():
    with pytest.raises(NotImplementedError):
        BoundedConnection().phase()
