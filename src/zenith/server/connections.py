"""All connections of one server: how many there are, and one look a second at each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from zenith.kernel.clock import wall_clock
from zenith.kernel.events import Event, EventType
from zenith.kernel.keys import new_id
from zenith.kernel.network import client_key, parse_address
from zenith.server.answers import answer
from zenith.server.pace import Pace
from zenith.server.serving import Serving, serving_of

LINES: Final = 10
"""Log lines, and events, between two looks; the rest is counted."""
AT_ONCE: Final = 256
"""Connections that are looked at before requests have their turn again."""
SPARE_FILES: Final = 64
"""Open files that are left for databases, logs and sockets of other kinds."""
_log: Final = logging.getLogger("zenith.server")


class Watched(Protocol):
    """A connection, as the look sees it."""

    peer: str
    """The address at the other end; empty for a socket in the file system."""

    def look(self, now: float) -> str:
        """Why it must end, or nothing."""
        ...

    def end(self, reason: str) -> None:
        """End it."""
        ...


class Connections:
    """Counts connections and ends those that are too slow.

    Threat: a few clients that hold all connections, by opening many or by never finishing anything
    (ASVS 13.1.3, 15.2.2). One look at all of them costs a request nothing. Memory is bounded by
    the connections themselves.
    """

    __slots__ = (
        "__weakref__",
        "_by_address",
        "_looking",
        "_loop",
        "_open",
        "_told",
        "_untold",
        "limit",
        "serving",
    )

    def __init__(
        self, serving: Serving, loop: asyncio.AbstractEventLoop, *, files: int | None = None
    ) -> None:
        """`files` is how many the operating system lets this process open."""
        self.serving: Final = serving
        self._loop: Final = loop
        self._open: Final[dict[Watched, str]] = {}
        self._by_address: Final[dict[str, int]] = {}
        self._told = self._untold = 0
        self._looking = False
        self.limit = serving.settings.max_connections
        if files is not None:
            room = max(1, files - SPARE_FILES)
            self.limit = room if self.limit is None else min(self.limit, room)

    def enter(self, connection: Watched) -> int:
        """Count and watch `connection`: 0, or the status that it is to be refused with."""
        if not self._looking:
            self._looking = True
            self._loop.call_later(self.serving.settings.look_every, self._look)
        key = self._open[connection] = self._key(connection.peer)
        count = self._by_address[key] = self._by_address.get(key, 0) + 1
        if self.limit is not None and len(self._open) > self.limit:
            return 503
        most = self.serving.settings.max_connections_per_address
        return 429 if key and most is not None and count > most else 0

    def leave(self, connection: Watched) -> None:
        """It has ended; harmless if it had already."""
        key = self._open.pop(connection, None)
        if key is None:
            return
        count = self._by_address[key] - 1
        if count:
            self._by_address[key] = count
        else:
            del self._by_address[key]

    def pace(self) -> Pace:
        """A clock for a connection that begins now."""
        return Pace(self.serving.settings, now=self._loop.time())

    def refuse(self, connection: Watched, status: int, reason: str) -> bytes:
        """The answer for a connection that the application is not asked about; it is recorded."""
        reference = self.tell(connection, reason)
        headers = self.serving.headers
        return answer(status, headers, now=wall_clock(), request_id=reference)

    def tell(self, connection: Watched, reason: str) -> str:
        """Log and record why a connection ends; the reference that it is found by.

        Threat: a flood of bad connections that becomes a flood of writes (ASVS 16.3.3).
        """
        reference = new_id()
        if self._told >= LINES:
            self._untold += 1
            return reference
        self._told += 1
        _log.warning("%s: connection from %s ended, %s", reason, connection.peer, reference)
        self._note(reason, connection.peer, reference)
        return reference

    def _note(self, reason: str, address: str | None, reference: str | None) -> None:
        event = Event(
            type=EventType.REQUEST_REFUSED,
            outcome="denied",
            at=wall_clock(),
            address=address or None,
            request_id=reference,
            reason=reason,
            severity="WARNING",
        )
        self.serving.events.note(event)

    def _key(self, peer: str) -> str:
        """What the connections of `peer` are counted by; empty where they are not."""
        proxies = self.serving.proxies
        address = parse_address(peer) if proxies and peer else None
        if address is not None and proxies.trusts(address):
            return ""
        return client_key(peer)

    def _look(self) -> None:
        if self._untold:
            reason = f"{self._untold} more connections ended"
            _log.warning("%s", reason)
            self._note(reason, None, None)
        self._told = self._untold = 0
        self._look_on(iter(tuple(self._open)))

    def _look_on(self, left: Iterator[Watched]) -> None:
        now, is_over = self._loop.time(), False
        try:
            for _ in range(AT_ONCE):
                connection = next(left, None)
                is_over = connection is None
                if connection is None:
                    break
                reason = connection.look(now)
                if reason:
                    connection.end(reason)
        finally:
            # Whatever one connection brings about, the others are looked at.
            if not is_over:
                self._loop.call_soon(self._look_on, left)
        if not is_over:
            return
        self._looking = bool(self._open or self._untold)
        if self._looking:
            self._loop.call_later(self.serving.settings.look_every, self._look)


class _Bounded(logging.Filter):
    """Drops the lines of uvicorn that anybody can make it write: ours take their place."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg not in _UNBOUNDED


_UNBOUNDED: Final = frozenset({"Invalid HTTP request received.", "Unsupported upgrade request."})
_bounded: Final = _Bounded()
_of_server: Final[MutableMapping[Any, Connections]] = WeakKeyDictionary()


def connections_of(server: Any, app: Any, loop: asyncio.AbstractEventLoop) -> Connections:
    """The connections of the server whose state is `server`, which serves `app` on `loop`."""
    found = _of_server.get(server)
    if found is None:
        logging.getLogger("uvicorn.error").addFilter(_bounded)
        found = _of_server[server] = Connections(serving_of(app), loop, files=open_files())
    return found


def plain(client: tuple[str, int] | None) -> tuple[str, int] | None:
    """The other end of a connection. Where one socket listens for IPv4 too, as to `::`, its clients
    are called what they are everywhere else, so that a log can be searched for them.
    """
    if client is None or not client[0].startswith("::ffff:"):
        return client
    return str(parse_address(client[0]) or client[0]), client[1]


def open_files() -> int | None:
    """How many files this process may open; None where the operating system does not say."""
    try:
        # Not on Windows.
        import resource  # noqa: PLC0415
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
