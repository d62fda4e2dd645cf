"""Receivers on loopback, and one in memory that fails on purpose."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from zenith.audit.shipping import DeliveryError
from zenith.kernel.events import Event


class Place:
    """Takes batches, unless `failure` is set or `gate` is closed; never takes `poison`."""

    name = "place"

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.taken: list[Event] = []
        self.batches: list[int] = []
        self.attempts = 0
        self.closed = False
        self.poison: str | None = None

    @property
    def subjects(self) -> list[str | None]:
        return [event.subject for event in self.taken]

    async def deliver(self, events: Sequence[Event]) -> None:
        self.attempts += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if self.poison is not None and self.poison in [event.subject for event in events]:
            raise DeliveryError("status 422", is_final=True)
        self.batches.append(len(events))
        self.taken += events

    async def close(self) -> None:
        self.closed = True


class Syslog:
    """What a syslog server on loopback got."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.port = 0
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                length = await reader.readuntil(b" ")
                assert re.fullmatch(rb"[1-9][0-9]* ", length)
                self.messages.append(await reader.readexactly(int(length)))
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def wait_for(self, count: int) -> list[bytes]:
        async with asyncio.timeout(5):
            while len(self.messages) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        return self.messages


@asynccontextmanager
async def streams(tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[Syslog]:
    place = Syslog()
    server = await asyncio.start_server(place.serve, "127.0.0.1", port, ssl=tls)
    place.port = server.sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        server.close()
        for writer in place.writers:
            writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, place: Syslog) -> None:
        self._place = place

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._place.messages.append(data)


@asynccontextmanager
async def datagrams(path: str | None = None) -> AsyncIterator[Syslog]:
    place = Syslog()
    if path is None:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        place.port = made.getsockname()[1]
    else:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.bind(path)
    made.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(place), sock=made)
    try:
        yield place
    finally:
        transport.close()
