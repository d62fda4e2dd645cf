"""A port that speaks TLS, and leads those who speak http to it."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from zenith.kernel.clock import wall_clock
from zenith.kernel.keys import new_id
from zenith.kernel.network import client_key
from zenith.server.answers import answer
from zenith.server.connections import open_files
from zenith.server.serving import Serving
from zenith.server.tls import ServerContext

TLS_RECORD: Final = b"\x16"
"""What a TLS connection begins with (RFC 8446 section 5.1)."""
MAX_HEAD: Final = 8192
AT_ONCE: Final = 64
MAX_WAITING: Final = 1024
"""Connections that have not finished their handshake; whoever holds most of them makes room with
the oldest."""
FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
SHARE: Final = 4
"""Of the files that this process may open, one of so many may be such a connection."""
PAUSE: Final = 1.0
"""Seconds without further connections, once the operating system has no room for any."""
BACKLOG: Final = 2048
SHUTDOWN_SECONDS: Final = 5.0
_TARGET: Final = re.compile(rb"(?:GET|HEAD) (/[!-~]*) HTTP/1\.[01]\r?\n")
_log: Final = logging.getLogger("zenith.server")


def new_loop() -> asyncio.AbstractEventLoop:
    """The fastest event loop there is, whose ports that speak TLS are a `Front`: for uvicorn,
    `loop="zenith.server.listening:new_loop"`.
    """
    try:
        # Not on Windows.
        import uvloop  # noqa: PLC0415
    except ImportError:
        loop: asyncio.AbstractEventLoop = with_front(asyncio.SelectorEventLoop)()
    else:
        loop = with_front(uvloop.Loop)()
    return loop


def with_front(kind: type[Any]) -> Any:
    """A kind of event loop whose ports that speak TLS are a `Front`."""

    async def create_server(loop: Any, factory: Any, *places: Any, **named: Any) -> Any:
        context, listening = named.get("ssl"), named.get("sock")
        if listening is None or not isinstance(context, ServerContext):
            return await kind.create_server(loop, factory, *places, **named)
        front = Front(loop, factory, listening, context)
        front.listen(named.get("backlog", BACKLOG))
        return front

    return type("FrontLoop", (kind,), {"create_server": create_server})


class Front:
    """Accepts connections, and hands on those that speak TLS.

    Threat: connections that never begin or never finish their handshake, which no protocol sees and
    no limit counts; and http on an https port, which people take for an outage and turn encryption
    off (ASVS 12.2.1). A navigation over http is sent to the same place over https, with 307: other
    statuses are remembered, and the port may be another program's tomorrow.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: Callable[[], asyncio.BaseProtocol],
        listening: socket.socket,
        context: ServerContext,
    ) -> None:
        self._loop: Final = loop
        self._factory: Final = factory
        self._context: Final = context
        self._timeout: Final = context.handshake_timeout
        self._waiting: Final[dict[socket.socket, asyncio.TimerHandle]] = {}
        self._shaking: Final[dict[socket.socket, asyncio.Task[None]]] = {}
        self._keys: Final[dict[socket.socket, str]] = {}
        self._held: Final[dict[str, dict[socket.socket, None]]] = {}
        self._is_closed = False
        files = open_files()
        self._room: Final = MAX_WAITING if files is None else max(1, files // SHARE)
        self.sockets: Final = (listening,)

    def listen(self, backlog: int) -> None:
        """Let connections in."""
        (listening,) = self.sockets
        listening.setblocking(False)
        listening.listen(backlog)
        self._loop.add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """Let no more in; what has not begun is dropped."""
        self._is_closed = True
        for listening in self.sockets:
            self._loop.remove_reader(listening)
        for each in tuple(self._waiting):
            self._drop(each)

    async def wait_closed(self) -> None:
        """Until the handshakes that had begun are over."""
        if self._shaking:
            await asyncio.wait(self._shaking.values(), timeout=self._timeout)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, address = listening.accept()
            except OSError as error:
                if error.errno in FULL:
                    self._pause(listening)
                return
            if len(self._keys) >= min(MAX_WAITING, self._room):
                self._make_room()
            self._hold(connection, client_key(str(address[0])))
            connection.setblocking(False)
            late = self._loop.call_later(self._timeout, self._drop, connection)
            self._waiting[connection] = late
            self._loop.add_reader(connection, self._begin, connection)

    def _begin(self, connection: socket.socket) -> None:
        try:
            first = connection.recv(1, socket.MSG_PEEK)
            if first == TLS_RECORD:
                self._take(connection)
                task = self._loop.create_task(self._shake(connection))
                self._shaking[connection] = task
                task.add_done_callback(partial(self._shaken, connection))
                return
            if first:
                connection.send(self._redirect(connection.recv(MAX_HEAD)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._drop(connection)

    def _take(self, connection: socket.socket) -> bool:
        late = self._waiting.pop(connection, None)
        if late is None:
            return False
        late.cancel()
        self._loop.remove_reader(connection)
        return True

    def _drop(self, connection: socket.socket) -> None:
        if self._take(connection):
            self._let_go(connection)
            connection.close()

    def _hold(self, connection: socket.socket, key: str) -> None:
        self._keys[connection] = key
        self._held.setdefault(key, {})[connection] = None

    def _let_go(self, connection: socket.socket) -> None:
        key = self._keys.pop(connection)
        held = self._held[key]
        del held[connection]
        if not held:
            del self._held[key]

    def _make_room(self) -> None:
        """End the oldest of whoever holds most: nobody's flood pushes others out."""
        most = max(self._held.values(), key=len)
        oldest = next(iter(most))
        shaking = self._shaking.get(oldest)
        if shaking is None:
            self._drop(oldest)
        else:
            # It ends a little later: several may come before that, and each needs room.
            self._let_go(oldest)
            shaking.cancel()

    def _pause(self, listening: socket.socket) -> None:
        """A port that is always ready and never gives anything would keep the loop busy."""
        self._loop.remove_reader(listening)
        self._loop.call_later(PAUSE, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        if not self._is_closed:
            self._loop.add_reader(listening, self._accept, listening)

    async def _shake(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._factory,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._timeout,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except OSError as error:
            _log.debug("no TLS: %s", type(error).__name__)
            connection.close()

    def _shaken(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        del self._shaking[connection]
        if connection in self._keys:
            self._let_go(connection)
        if task.cancelled():
            connection.close()

    def _redirect(self, head: bytes) -> bytes:
        headers = Serving().headers
        target = _TARGET.match(head)
        if target is None:
            return answer(403, headers, now=wall_clock(), request_id=new_id())
        to = (b"location", self._context.origin.encode("ascii") + target[1])
        return answer(307, (*headers, to), now=wall_clock(), request_id=new_id())
