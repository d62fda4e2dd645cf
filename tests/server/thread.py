"""A real uvicorn on a socket of its own, and raw clients for it.

The server runs in the main thread, where coverage sees it, while a test talks to it from another.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import socket
import time
from collections.abc import Iterator

import uvicorn

from zenith.server import Serving
from zenith.server.listening import new_loop

LARGE = 6_000_000


class Application:
    """Answers `/` with how much body came, `/large` with many bytes, `/early` before the body,
    `/hold` never; `/socket` says back what it is told, `/flood` does not stop, `/never` does not
    begin.
    """

    def __init__(self, serving: Serving) -> None:
        self.serving = serving

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            await self.socket(scope, receive, send)
            return
        if scope["path"] == "/early":
            await self.answer(send, b"early")
            return
        if scope["path"] == "/hold":
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        if scope["path"] == "/large":
            await self.answer(send, b"x" * LARGE)
        else:
            await self.answer(send, b"size %d" % size)

    async def answer(self, send, body):
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", length)]})  # fmt: skip
        await send({"type": "http.response.body", "body": body})

    async def socket(self, scope, receive, send):
        await receive()
        if scope["path"] == "/never":
            await receive()
            return
        await send({"type": "websocket.accept"})
        if scope["path"] == "/flood":
            with contextlib.suppress(OSError):
                while True:
                    await send({"type": "websocket.send", "bytes": b"x" * 100_000})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message.get("text")})


@contextlib.contextmanager
def running(protocol: type, serving: Serving, *, tls=None) -> Iterator[Server]:
    """A server, for as many tests as like; it runs while one of them talks."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Application(serving),
        http=protocol,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_keep_alive=serving.settings.keep_alive,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    loop = asyncio.SelectorEventLoop() if tls is None else new_loop()
    try:
        loop.run_until_complete(server.startup([listening]))
        loop.run_until_complete(server.on_tick(0))
        found = Server(listening.getsockname()[1], serving, loop)
        yield found
        found.close()
        loop.run_until_complete(server.shutdown([listening]))
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def talking(test):
    """Run a test in a thread of its own, while `server` serves it."""

    @functools.wraps(test)
    def run(**fixtures):
        fixtures["server"].talk(functools.partial(test, **fixtures))

    return run


class Server:
    """Where it listens."""

    def __init__(self, port: int, serving: Serving, loop: asyncio.AbstractEventLoop) -> None:
        self.port = port
        self.serving = serving
        self.loop = loop
        self.clients: list[Client] = []

    def talk(self, work):
        self.loop.run_until_complete(self.loop.run_in_executor(None, work))

    def connect(self, data: bytes = b"", *, source: str = "127.0.0.1", buffer: int = 0) -> Client:
        raw = socket.socket()
        if buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        raw.bind((source, 0))
        raw.settimeout(5)
        raw.connect(("127.0.0.1", self.port))
        client = Client(raw)
        self.clients.append(client)
        client.send(data)
        return client

    def close(self) -> None:
        while self.clients:
            self.clients.pop().raw.close()

    def clean(self) -> None:
        """No test's connections count in the next."""
        self.close()
        self.loop.run_until_complete(asyncio.sleep(0.02))


class Client:
    """One raw connection."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.began = time.monotonic()

    def send(self, data: bytes) -> bool:
        try:
            self.raw.sendall(data)
        except OSError:
            return False
        return True

    def read(self, size: int = 1) -> bytes:
        """Until `size` bytes are there, or the end."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while len(data) < size and (part := self.raw.recv(65536)):
                data += part
        return data

    def rest(self) -> bytes:
        """All until the server ends it."""
        data = self.read(1 << 40)
        self.raw.close()
        return data


def problem(answer: bytes) -> dict[str, object]:
    """The problem in an answer of the server's own, whose form is checked."""
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert fields[b"content-type"] == b"application/problem+json"
    assert int(fields[b"content-length"]) == len(body)
    assert fields[b"connection"] == b"close"
    assert fields[b"cache-control"] == b"no-store"
    assert fields[b"x-content-type-options"] == b"nosniff"
    assert b"default-src 'none'" in fields[b"content-security-policy"]
    assert b"server" not in fields
    return json.loads(body)
