"""A bounded load: a few connections that each send the next request once the answer is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import cast

CONNECTIONS = 8
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "


class RefusedError(Exception):
    """The server did not answer as it should, so its speed means nothing."""


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(exc)

    def send(self) -> None:
        request = self._load.next()
        if self._transport is None:
            return
        if request is None:
            self._transport.abort()
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head = self._data.find(END_OF_HEAD)
        if head < 0:
            return
        at = self._data.find(LENGTH, 0, head) + len(LENGTH)
        length = int(self._data[at : self._data.index(b"\r\n", at)])
        if len(self._data) < head + len(END_OF_HEAD) + length:
            return
        if not self._data.startswith(b"HTTP/1.1 200"):
            self._load.fail(self._data[:200])
        self._data = b""
        self._load.answered += 1
        self.send()


class Load:
    """Sends requests for so many seconds, or until there are no more."""

    def __init__(self, requests: Iterator[bytes], seconds: float) -> None:
        self._requests = requests
        self._seconds = seconds
        self._end = 0.0
        self._open = CONNECTIONS
        self._done: asyncio.Future[None] | None = None
        self.answered = 0

    async def run(self, port: int) -> int:
        """How many were answered."""
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        self._end = time.perf_counter() + self._seconds
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
        await self._done
        return self.answered

    def next(self) -> bytes | None:
        """The next request, or None once it is time to stop."""
        if time.perf_counter() >= self._end:
            return None
        return next(self._requests, None)

    def lost(self, error: Exception | None) -> None:
        """A connection ended, as it should at the end and only then."""
        self._open -= 1
        if self._done is None or self._done.done():
            return
        if error is not None:
            self._done.set_exception(error)
        elif self._open == 0:
            self._done.set_result(None)

    def fail(self, answer: bytes) -> None:
        """Stop: the server refused."""
        if self._done is not None and not self._done.done():
            self._done.set_exception(RefusedError(answer.decode("latin-1")))
