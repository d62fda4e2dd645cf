"""HTTP/1.1 by h11, with bounds for what is read before the application is asked."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from zenith.server.bounds import BoundedConnection
from zenith.server.pace import Phase


class BoundedH11(BoundedConnection, H11Protocol):
    """uvicorn's protocol, bounded, where httptools is not installed:
    `uvicorn app:app --http zenith.server:BoundedH11`.

    Threat: those of BoundedConnection; h11 itself bounds heads and drops trailers.
    """

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._received += len(data)
        super().data_received(data)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The connection is counted as a WebSocket from now on."""
        self._watch.leave(self)
        super().handle_websocket_upgrade(event)

    def phase(self) -> Phase:
        """What the client is waited for."""
        cycle, conn = self.cycle, self.conn
        if self.transport.is_closing():
            return Phase.CLOSING
        if conn.their_state is h11.SEND_BODY:
            return Phase.BODY
        if conn.their_state is h11.ERROR and cycle is not None and cycle.more_body:
            # Malformed within the body: the application waits for what will not come.
            return Phase.BODY
        if cycle is not None and not cycle.response_complete:
            return Phase.WORK
        return Phase.HEAD if cycle is None or conn.trailing_data[0] else Phase.IDLE
