"""HTTP/1.1 connections that can neither fill memory nor stay open while nothing is said."""

from __future__ import annotations

from asyncio import Transport
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD: Final = 64 * 1024
"""Bytes of request line and headers, and of whatever else of a request is no body. What the
application accepts is smaller and has its own settings; this is what is read at all."""
HEAD_SECONDS: Final = 10.0
"""Seconds for the head of a request to arrive, from the first byte or from the connection on."""
FRAMING: Final = 16
"""Bytes that may come with each piece of a body: the length of a chunk and its line ends."""

_ANSWER: Final = b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds for what it reads before the application is asked.

    Threat: one connection that sends a head without end until memory is gone, and thousands that
    send theirs so slowly, or never, that none is left for others (ASVS 15.2.2, 13.1.3). Trailers
    are dropped: nothing may be added to the headers after they were checked (RFC 9110 section
    6.5.1).
    """

    _spent: int = 0
    _in_head: bool = True
    _timer: Any = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the request has spent what is no body."""
        self._spent += len(data)
        super().data_received(data)
        if self._spent > MAX_HEAD and not self.transport.is_closing():
            self._close(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """The head of the next request begins."""
        super().on_message_begin()
        self._begin_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; behind the head it is a trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        self._spent = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body, whose size the application bounds."""
        self._spent -= len(body) + FRAMING
        super().on_body(body)

    def _begin_head(self) -> None:
        self._in_head = True
        self._spent = 0
        self._stop_timer()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if not self.transport.is_closing():
            self._close(b"408 Request Timeout")

    def _close(self, status: bytes) -> None:
        # An answer of its own would garble one that the application is sending.
        running: Any = self.cycle
        if self._in_head and (running is None or running.response_complete):
            self.transport.write(_ANSWER % status)
        self.transport.close()
