"""A syslog server, by UDP, TCP, TLS or a unix socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from zenith.audit.shipping.errors import DeliveryError
from zenith.audit.shipping.settings import SyslogSettings
from zenith.audit.shipping.syslog import SyslogFormat
from zenith.kernel.events import Event

CONNECT_TIMEOUT: Final = 5.0
SEND_TIMEOUT: Final = 10.0
"""Seconds for a batch to leave; a server that reads nothing is one that does not answer."""
BUFFER: Final = 16_384
"""Bytes that the system is asked to hold for a server that does not read."""
KEPT: Final = 262_144
"""Bytes sent last that the next connection is sent again: more than such a server and the systems
between it and us usually swallow."""


class SyslogReceiver:
    """Sends messages of RFC 5424.

    Threat: a log that others on the way read, change or answer for (ASVS 16.4.3): `tls:` verifies
    the server by its name. Syslog has no acknowledgements, and a server that hangs swallows what
    it never reads: what was sent last is sent once more over the next connection. By UDP nobody can
    know what arrived.
    """

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings: Final = settings
        url = urlsplit(settings.address)
        self._scheme: Final = url.scheme
        self._host: Final = url.hostname or ""
        self._port: Final = settings.port
        self._path: Final = Path(url.path)
        self._format: Final = SyslogFormat(app_name=settings.app_name, facility=settings.facility)
        self._datagrams: socket.socket | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tls: ssl.SSLContext | None = None
        self._sent: Final[deque[bytes]] = deque()

    @property
    def name(self) -> str:
        """`syslog` and the address."""
        return f"syslog {self._settings.address}"

    async def deliver(self, events: Sequence[Event]) -> None:
        """Send the events in order. Raises DeliveryError."""
        try:
            if self._scheme in {"udp", "unix"}:
                await self._send_datagrams(events)
            else:
                await self._send_stream(b"".join(map(self._format.frame, events)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise DeliveryError(_why(error)) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the socket or the connection."""
        datagrams, self._datagrams = self._datagrams, None
        if datagrams is not None:
            datagrams.close()
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.close()
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()

    async def _send_datagrams(self, events: Sequence[Event]) -> None:
        if self._datagrams is None:
            self._datagrams = await self._open_datagrams()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SEND_TIMEOUT):
            for event in events:
                await loop.sock_sendall(self._datagrams, self._format.message(event))

    async def _open_datagrams(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        if self._scheme == "unix":
            return await _connected(socket.AF_UNIX, str(self._path))
        async with asyncio.timeout(CONNECT_TIMEOUT):
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        family, _, _, _, address = found[0]
        return await _connected(family, address)

    async def _send_stream(self, data: bytes) -> None:
        if self._reader is not None and self._reader.at_eof():
            await self.close()
        if self._writer is None:
            self._reader, self._writer = await self._open_stream()
            for again in self._sent:
                await self._drained(self._writer, again)
        await self._drained(self._writer, data)
        self._sent.append(data)
        while sum(map(len, self._sent)) - len(self._sent[0]) >= KEPT:
            self._sent.popleft()

    async def _drained(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        async with asyncio.timeout(SEND_TIMEOUT):
            await writer.drain()

    async def _open_stream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._scheme == "tls" and self._tls is None:
            self._tls = await asyncio.to_thread(self._settings.tls_context)
        async with asyncio.timeout(CONNECT_TIMEOUT):
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        # Nothing may wait here unsent: what the server has not read holds the queue up.
        writer.transport.set_write_buffer_limits(high=0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        return reader, writer


async def _connected(family: int, address: object) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, address)  # type: ignore[arg-type]
    except BaseException:
        made.close()
        raise
    return made


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate does not hold: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
