"""One server process, or several behind one port, that say when the port is answered."""

from __future__ import annotations

import signal
from collections.abc import Callable
from socket import socket

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess


class Alone(Server):
    """uvicorn's server, in this process."""

    def __init__(self, config: Config, *, greet: Callable[[], None]) -> None:
        super().__init__(config)
        self._greet = greet

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, then say so: whoever clicks on what is printed is answered."""
        await super().startup(sockets)
        self._greet()


class Workers(Multiprocess):
    """uvicorn's supervisor, whose workers leave Ctrl-C to it.

    A terminal sends Ctrl-C to every process of the group. The supervisor ends its workers in order;
    a worker that took it for itself would end in a traceback.
    """

    def __init__(self, config: Config, sockets: list[socket], *, greet: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._greet = greet
        self._greeted = False

    def init_processes(self) -> None:
        """Start the workers; that a signal is ignored is what processes inherit."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            super().init_processes()
        finally:
            signal.signal(signal.SIGINT, before)

    def keep_subprocess_alive(self) -> None:
        """Look after the workers, twice a second; the first that listens makes the port answer."""
        super().keep_subprocess_alive()
        if not self._greeted and any(process.is_ready() for process in self.processes):
            self._greeted = True
            self._greet()
