"""HTTP/1.1 by httptools, with bounds for what is read before the application is asked."""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zenith.server.bounds import MALFORMED, MAX_HEAD, BoundedConnection
from zenith.server.pace import Phase

FRAMING: Final = 16
"""Bytes that may come with each piece of a body: the length of a chunk and its line ends."""
MAX_PIPELINED: Final = 64
"""Requests that may wait for the answer of the one before. One read holds thousands, and each of
them costs a hundred times its bytes."""


class TooManyRequestsError(Exception):
    """Stops the parser."""


class UnclearTargetError(Exception):
    """Stops it, too."""


class BoundedHttpTools(BoundedConnection, HttpToolsProtocol):
    """uvicorn's protocol, bounded: `uvicorn app:app --http zenith.server:BoundedHttpTools`.

    Threat: one connection that sends a head without end until memory is gone, and those of
    BoundedConnection. Trailers are dropped: nothing may be added to the headers after they were
    checked (RFC 9110 section 6.5.1). What names a host beside Host, or a fragment, is refused: all
    but the path would be cut off, and whoever stands before us may go by it (RFC 9112 section 3.2).
    """

    _spent: int = 0
    _in_head: bool = True
    _in_body: bool = False
    _at_work: Any = None

    def data_received(self, data: bytes) -> None:
        """Read on, unless the request has spent what is no body."""
        size = len(data)
        self._spent += size
        self._received += size
        super().data_received(data)
        if self._spent > MAX_HEAD and not self.transport.is_closing():
            self._refuse(431, "head too large")

    def on_message_begin(self) -> None:
        """The head of the next request begins."""
        super().on_message_begin()
        self._in_head = True
        self._spent = 0

    def on_headers_complete(self) -> None:
        """The head is there; what looks like a header now is a trailer."""
        self._in_head = False
        if len(self.pipeline) >= MAX_PIPELINED:
            raise TooManyRequestsError
        if self.url[:1] != b"/" or b"#" in self.url:
            raise UnclearTargetError
        self._in_body = True
        self._spent = 0
        super().on_headers_complete()
        if not self.pipeline:
            self._at_work = self.cycle
        if self.expect_100_continue:
            _close_unless_asked(self.cycle)
        parser: Any = self.parser
        if not (parser.should_upgrade() and self._should_upgrade()):
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """A piece of the body, whose size the application bounds."""
        # Small pieces earn nothing for what follows.
        self._spent = max(0, self._spent - len(body) - FRAMING)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is there."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next one that waits begins."""
        if self.pipeline:
            self._at_work = self.pipeline[-1][0]
        super().on_response_complete()

    @property
    def at_work(self) -> Any:
        """The request that the application works on; behind it others may wait."""
        return self._at_work

    def handle_websocket_upgrade(self) -> None:
        """The connection is counted as a WebSocket from now on. Not while a request is worked on:
        its answer would be read as messages, and nobody would tell it that the client is gone.
        """
        if self.at_work is not None and not self.at_work.response_complete:
            self.send_400_response(MALFORMED)
            return
        self._watch.leave(self)
        super().handle_websocket_upgrade()

    def phase(self) -> Phase:
        """What the client is waited for."""
        cycle = self.cycle
        if self.transport.is_closing():
            return Phase.CLOSING
        if self._in_body:
            return Phase.BODY
        if cycle is not None and not cycle.response_complete:
            return Phase.WORK
        return Phase.HEAD if self._in_head else Phase.IDLE


def _close_unless_asked(cycle: Any) -> None:
    """Where a body is announced and the answer comes without having asked for it, the connection
    ends, and says so: else whoever does not send it would have his next request read as the body
    (RFC 9110 section 10.1.1).
    """
    send = cycle.send

    async def answer(message: Any) -> None:
        if cycle.waiting_for_100_continue and cycle.more_body and not cycle.body:
            cycle.keep_alive = False
        await send(message)

    cycle.send = answer
