"""WebSockets with bounds for their time, their size and what waits to be read."""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from copy import copy
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response

from zenith.kernel.clock import wall_clock
from zenith.kernel.keys import new_id
from zenith.server.answers import problem_of
from zenith.server.connections import connections_of, plain
from zenith.server.pace import DRAINED, HANDSHAKE, IDLE, Pace, Phase

GOING_AWAY: Final = 1001
UNAVAILABLE: Final = 503
NO_HANDSHAKE: Final = "malformed handshake"


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, bounded; the bounded HTTP protocols put it in the place of uvicorn's own.

    Threat: sockets that are opened and forgotten, messages that fill memory, also packed ones, and
    clients that ask for answers they never read (ASVS 4.4, 15.2.2).
    """

    peer: str = ""
    _messages: int = 0
    _pong: bytes = b""
    _pace: Pace

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        loop = _loop or asyncio.get_running_loop()
        self._watch: Final = connections_of(server_state, config.loaded_app, loop)
        limited = copy(config)
        settings = self._watch.serving.settings
        limited.ws_max_size = settings.websocket_max_message
        limited.ws_ping_interval = settings.websocket_ping_interval
        limited.ws_ping_timeout = settings.websocket_ping_timeout
        super().__init__(limited, server_state, app_state, loop)
        conn: Any = self.conn
        conn.reject = self._reject

    def connection_made(self, transport: BaseTransport) -> None:
        """Count it; as it takes the place of an HTTP connection, it is not one too many."""
        super().connection_made(transport)
        self.client = plain(self.client)
        self.peer = self.client[0] if self.client else ""
        self._pace = self._watch.pace()
        self._watch.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._watch.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. What is no handshake, such as one with a body, is told so at once: the library
        drops it without a word, and the client would hold its place until it is told that it was
        slow.
        """
        super().data_received(data)
        if self.conn.handshake_exc is None or self.handshake_initiated:
            return
        if not self.transport.is_closing():
            self.transport.write(self._watch.refuse(self, HTTPStatus.BAD_REQUEST, NO_HANDSHAKE))
            self.transport.close()

    def resume_writing(self) -> None:
        """The client reads: it is answered the last of its pings (RFC 6455 section 5.5.3)."""
        self._pace.take(DRAINED)
        super().resume_writing()
        if self._pong:
            self.transport.write(self._pong)
            self._pong = b""

    def handle_ping(self) -> None:
        """A ping; whoever pings without reading does not fill memory with answers."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self._pong = b"".join(self.conn.data_to_send())

    def send_receive_event_to_app(self) -> None:
        """A message has come."""
        self._messages += 1
        super().send_receive_event_to_app()

    def send(self, message: Any) -> Any:
        """A message goes out."""
        self._messages += 1
        return super().send(message)

    def shutdown(self) -> None:
        """The server goes away, and says so."""
        if self.phase() is Phase.OPEN:
            self._say_goodbye("")
        else:
            super().shutdown()

    def phase(self) -> Phase:
        """What is waited for."""
        if self.close_sent or self.transport.is_closing():
            return Phase.CLOSING
        return Phase.OPEN if self.handshake_complete else Phase.HANDSHAKE

    def look(self, now: float) -> str:
        """Why this must end, or nothing."""
        unsent = self.transport.get_write_buffer_size()
        return self._pace.judge(self.phase(), self._messages, now=now, unsent=unsent)

    def end(self, reason: str) -> None:
        """End it, as politely as is still possible."""
        if reason == IDLE:
            self._say_goodbye(reason)
        elif reason == HANDSHAKE:
            self.transport.write(self._watch.refuse(self, UNAVAILABLE, reason))
            self.transport.close()
        else:
            self._watch.tell(self, reason)
            self.transport.abort()

    def _reject(self, status: int, text: str) -> Response:
        # What is wrong would be said with the client's own words.
        del text
        reference = new_id()
        headers = self._watch.serving.headers
        fields, body = problem_of(status, headers, now=wall_clock(), request_id=reference)
        decoded = [(name.decode("ascii"), value.decode("latin-1")) for name, value in fields]
        return Response(int(status), HTTPStatus(status).phrase, Headers(decoded), body)

    def _say_goodbye(self, reason: str) -> None:
        self.stop_keepalive()
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": GOING_AWAY, "reason": reason}
        )
        self.conn.send_close(GOING_AWAY, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
