"""The attack: take one of the places that a route has, ask for something more on the same
connection, and go away. What waits for its client to leave was never told, so the place stayed
taken; a few hundred connections, held by nobody, took all of them.
"""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from uvicorn.server import ServerState

from zenith.server import BoundedH11, BoundedHttpTools, ServerSettings, Serving
from zenith.server.bounds import is_hung_up

WAIT = b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"
MORE = {
    "nothing": b"",
    "a request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\n"
    + b"a" * 30_000,
    "no request": b"@@@@\r\n\r\n",
    "a WebSocket": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}


class Application:
    """Streams what never happens, until the client goes away, and answers everything else."""

    serving = Serving(settings=ServerSettings(keep_alive=0.2))

    def __init__(self):
        self.seen = []
        self.begun, self.told = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.seen.append((scope["type"], scope["path"]))
        if scope["path"] != "/wait":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})
            return
        await receive()
        self.begun.set()
        assert (await receive())["type"] == "http.disconnect"
        self.told.set()


@pytest.fixture(params=[BoundedHttpTools, BoundedH11], ids=["httptools", "h11"])
async def server(request):
    application = Application()
    config = uvicorn.Config(application, http=request.param, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    listening = await asyncio.get_running_loop().create_server(
        lambda: request.param(config=config, server_state=state, app_state={}), "127.0.0.1"
    )
    application.port = listening.sockets[0].getsockname()[1]
    yield application
    listening.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
async def test_who_asks_for_more_and_goes_away_holds_nothing(server, more, at_once):
    _, client = await asyncio.open_connection("127.0.0.1", server.port)
    client.write(WAIT + more if at_once else WAIT)
    async with asyncio.timeout(5):
        await server.begun.wait()
        if not at_once:
            client.write(more)
        await asyncio.sleep(0.02)
        client.transport.abort()
        await server.told.wait()
    # Whose answer was on its way is no WebSocket, and what waited behind it is not begun.
    assert server.seen == [("http", "/wait")]


async def test_who_stays_is_waited_for(server):
    reader, client = await asyncio.open_connection("127.0.0.1", server.port)
    client.write(WAIT + MORE["a request"])
    await server.begun.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)
    assert not server.told.is_set()
    client.close()
    async with asyncio.timeout(5):
        await server.told.wait()


def test_a_system_that_does_not_say(monkeypatch):
    one, other = socket.socketpair()
    with one:
        assert not is_hung_up(one)
        other.close()
        assert is_hung_up(one)
        monkeypatch.delattr("select.POLLRDHUP")
        assert not is_hung_up(one)
    assert not is_hung_up(None)
