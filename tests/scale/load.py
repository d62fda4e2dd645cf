"""Many connections at once, with hardly any work per request: the load is for the servers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

LOST = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)
PATIENCE = 20.0
"""Seconds after which a request without an answer is a failure."""
UNAVAILABLE = 503


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    head: bytes
    body: bytes

    @property
    def retry_after(self) -> int:
        """In seconds; 0 where the answer does not say."""
        for line in self.head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"retry-after":
                return int(value)
        return 0


class Connection:
    """One connection that is kept, and opened again where it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, headers: str = "") -> Answer:
        """One request without a body. Raises one of LOST where no whole answer comes."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._ask(method, path, headers)
        except LOST:
            self.close()
            raise

    async def _ask(self, method: str, path: str, headers: str) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("localhost", self._port)
        reader, writer = self._streams
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{self._port}\r\n{headers}"
        writer.write(f"{head}Content-Length: 0\r\n\r\n".encode())
        raw = await reader.readuntil(b"\r\n\r\n")
        length, closes = 0, False
        for line in raw.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
            closes = closes or line == b"connection: close"
        answer = Answer(int(raw[9:12]), raw, await reader.readexactly(length))
        if closes:
            self.close()
        return answer

    def close(self) -> None:
        """Let go of it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class Tally:
    """What came of all requests."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    wrong: list[Answer] = field(default_factory=list[Answer])
    """Answers that are neither expected nor a clear refusal for now."""
    lost: int = 0
    """Requests without an answer, for the process behind them died."""
    slowest: float = 0.0

    def note(self, answer: Answer, seconds: float, expected: Sequence[int]) -> Answer:
        """Count one; a 503 is expected where it says when to come again."""
        self.statuses[answer.status] += 1
        self.slowest = max(self.slowest, seconds)
        is_clear = answer.status == UNAVAILABLE and answer.retry_after > 0
        if answer.status not in expected and not is_clear:
            self.wrong.append(answer)
        return answer


Work = Callable[[Connection, int, Tally], Awaitable[None]]
"""One step: a connection, the number of the step, and where to count."""


async def storm(ports: Sequence[int], each: int, work: Work, going: Callable[[int], bool]) -> Tally:
    """`each` connections to every port do `work`, while `going(step)` says so."""
    tally = Tally()
    steps = iter(range(1 << 62))

    async def run(port: int) -> None:
        connection = Connection(port)
        try:
            while going(step := next(steps)):
                try:
                    await work(connection, step, tally)
                except LOST:
                    tally.lost += 1
                    await asyncio.sleep(0.02)
        finally:
            connection.close()

    async with asyncio.TaskGroup() as tasks:
        for port in [*ports] * each:
            tasks.create_task(run(port))
    # Closed sockets leave the loop at its next turn.
    await asyncio.sleep(0)
    return tally


async def ask(
    tally: Tally,
    connection: Connection,
    path: str,
    *,
    method: str = "GET",
    headers: str = "",
    expected: Sequence[int] = (200,),
) -> Answer:
    """One request, counted."""
    begun = time.monotonic()
    answer = await connection.ask(method, path, headers)
    return tally.note(answer, time.monotonic() - begun, expected)
