"""Looking up names. The addresses that come back are what is judged, and what is connected to."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

Resolver: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""From a name to its addresses, all of them, in the order in which they are tried; empty if there
is none. Raises OSError where it cannot say."""

THREADS: Final = 8


class SystemResolver:
    """What the operating system says, asked in threads of its own.

    Threat: names whose servers do not answer hold a thread for as long as the system waits,
    whatever the caller's time-out is. Here they hold at most eight, and none of the event loop's,
    in which files are read and others look up names.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, host: str) -> Sequence[str]:
        """The addresses of `host`, each once."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="zenith-names")
        ask = functools.partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except (socket.gaierror, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))

    def close(self) -> None:
        """Let the threads end; the next question starts new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
