"""What both HTTP protocols have in common: being counted, looked at and refused."""

from __future__ import annotations

import asyncio
import select
from typing import Any, Final

from zenith.server.connections import Connections, connections_of, plain
from zenith.server.pace import (
    ANSWER_NOT_TAKEN,
    CLOSE_NOT_TAKEN,
    DRAINED,
    IDLE,
    Pace,
    Phase,
)

MAX_HEAD: Final = 64 * 1024
"""Bytes of request line and headers, and of whatever else of a request is no body. What the
application accepts is smaller and has its own settings; this is what is read at all."""
GONE: Final = "client gone"
NOT_TAKEN: Final = frozenset({ANSWER_NOT_TAKEN, CLOSE_NOT_TAKEN})

MALFORMED: Final = "malformed HTTP"


class BoundedConnection(asyncio.Protocol):
    """Stands before one of uvicorn's protocols.

    Threat: see Connections and Pace. What is refused here is answered as a problem with the
    security headers, unless an answer of the application is already on its way.
    """

    app: Any
    client: Any
    cycle: Any
    flow: Any
    loop: Any
    pipeline: Any = ()
    server_state: Any
    transport: Any
    ws_protocol_class: Any

    peer: str = ""
    _received: int = 0
    _watch: Connections
    _pace: Pace

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it; refuse it if there are too many."""
        super().connection_made(transport)
        self.client = plain(self.client)
        self.peer = self.client[0] if self.client else ""
        self._watch = connections_of(self.server_state, self.app, self.loop)
        self._pace = self._watch.pace()
        status = self._watch.enter(self)
        if status:
            self._refuse(status, "too many connections")
        if self.ws_protocol_class is not None:
            self.ws_protocol_class = _bounded_websocket(self.ws_protocol_class)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more. The request that is worked on is told, not only the last one that came:
        nobody holds a place, or a stream, by asking for more and going away.
        """
        self._watch.leave(self)
        self._disconnect()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """The client reads."""
        self._pace.take(DRAINED)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP; `msg` says no more."""
        del msg
        if self.phase() is Phase.WORK:
            # What came before it was a request: it is answered, and is the last one.
            self._watch.tell(self, MALFORMED)
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            self._refuse(400, MALFORMED)

    @property
    def at_work(self) -> Any:
        """The request that the application works on, or that it answered last."""
        return self.cycle

    def phase(self) -> Phase:
        """What the client is waited for."""
        raise NotImplementedError

    def look(self, now: float) -> str:
        """Why this must end, or nothing."""
        cycle, phase = self.cycle, self.phase()
        if self.flow.read_paused and self._is_gone():
            return GONE
        if phase is Phase.BODY and (self.flow.read_paused or cycle.waiting_for_100_continue):
            self._pace.pause(now=now, received=self._received)
        unsent = self.transport.get_write_buffer_size()
        return self._pace.judge(phase, cycle, now=now, received=self._received, unsent=unsent)

    def end(self, reason: str) -> None:
        """End it, as politely as is still possible."""
        if reason in NOT_TAKEN:
            self._watch.tell(self, reason)
            self.transport.abort()
        elif reason in (IDLE, GONE) or not self._received:
            # Browsers open connections ahead that they never use.
            self._close()
        else:
            self._refuse(408, reason)

    def _refuse(self, status: int, reason: str) -> None:
        answer = self._watch.refuse(self, status, reason)
        if self._is_unanswered() and not self.transport.is_closing():
            self.transport.write(answer)
        self._close()

    def _is_unanswered(self) -> bool:
        """Whether an answer of ours would not garble one of the application's."""
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and self.phase() is not Phase.BODY):
            return True
        return not (cycle.response_started or self.pipeline)

    def _close(self) -> None:
        # What the application still has to say would follow an answer that has ended.
        self._disconnect()
        self.transport.close()

    def _is_gone(self) -> bool:
        """Whether the client has left while nothing is read, since what follows the request that is
        worked on must wait, or is malformed. Who waits for a client to go would wait for ever.
        """
        cycle = self.at_work
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        return is_hung_up(self.transport.get_extra_info("socket"))

    def _disconnect(self) -> None:
        cycle = self.at_work
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()


def is_hung_up(connection: Any) -> bool:
    """Whether the other end of a socket sends no more, whatever waits to be read; False where the
    operating system does not say.
    """
    if connection is None or not hasattr(select, "POLLRDHUP"):
        return False
    asked = select.poll()
    asked.register(connection, select.POLLRDHUP)
    return bool(asked.poll(0))


def _bounded_websocket(given: Any) -> Any:
    if given.__module__ != "uvicorn.protocols.websockets.websockets_sansio_impl":
        return given
    # Only where WebSockets are served at all: the library is optional.
    from zenith.server.websocket_protocol import BoundedWebSocket  # noqa: PLC0415

    return BoundedWebSocket
