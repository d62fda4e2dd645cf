"""The same requests over HTTP: uvicorn with one worker, and a load from a second process.

Requests are counted against the CPU time of the server: that is what one worker answers in a second
that it has for itself. The clock on the wall would measure the neighbours on the machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from itertools import repeat
from typing import Any

from benchmarks.load import Load, RefusedError
from benchmarks.names import ASSEMBLED, CHANGE, SEEN, UNSEEN
from benchmarks.names import kept as kept_name
from benchmarks.options import Options
from benchmarks.report import FOLDER, Budget, Row
from benchmarks.timing import Measured

TITLE = "Under uvicorn (requests per second of CPU time; ratio: share of bare FastAPI's kept)"
NAMES = ("bare", "assembled", "zenith")
KEPT = {
    "seen": (SEEN, 0.88),
    "unseen": (UNSEEN, 0.72),
    "change": (CHANGE, 0.85),
}
ROUNDS = 45
SECONDS = 0.1
"""Of one turn. Turns are short and many, so that a neighbour on the machine who wakes up meets all
three servers alike.
"""
MOST_PER_SECOND = 12_000


class _Server:
    """One contender in a process of its own."""

    def __init__(self, name: str, tokens: int) -> None:
        self._name = name
        self._tokens = tokens
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self._requests: dict[str, Any] = {}

    async def start(self) -> None:
        """Wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.serve", self._name, str(self._tokens)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**28,
            cwd=FOLDER.parent,
        )
        ready = json.loads(await self._read())
        self._port = ready["port"]
        for kind, texts in ready["requests"].items():
            raw = [text.encode("latin-1") for text in texts]
            self._requests[kind] = iter(raw) if kind == "unseen" else repeat(raw[0])

    async def load(self, kind: str, seconds: float) -> float:
        """Requests that it answers in one second of its CPU time."""
        started = await self._used()
        answered = await Load(self._requests[kind], seconds).run(self._port)
        return answered / (await self._used() - started)

    async def _used(self) -> float:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(b"\n")
        return float(await self._read())

    async def _read(self) -> bytes:
        if self._process is None or self._process.stdout is None:
            raise RefusedError("the server was not started")
        return await self._process.stdout.readline()

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()


async def measure(options: Options) -> AsyncIterator[Row]:
    """Requests per second of all three kinds, the servers taking turns."""
    rounds = options.rounds(ROUNDS)
    tokens = int((rounds + 1) * SECONDS * MOST_PER_SECOND)
    servers = {name: _Server(name, tokens) for name in NAMES}
    try:
        for server in servers.values():
            await server.start()
        for kind, (name, budget) in KEPT.items():
            found = await _take_turns(servers, kind, rounds)
            yield _row(kept_name(name), found, ("bare", "bare FastAPI"), budget)
            yield _row(f"{name}: requests", found, ("assembled", ASSEMBLED))
    finally:
        for server in servers.values():
            await server.stop()


def _row(name: str, found: Measured, peer: tuple[str, str], budget: float | None = None) -> Row:
    ratio, spread = found.ratio("zenith", peer[0])
    return Row(
        name=name,
        ours=found.of("zenith"),
        unit="/s",
        peer_name=peer[1],
        peer=found.of(peer[0]),
        ratio=ratio,
        spread=spread,
        budget=None if budget is None else Budget(value=budget, bound="at least"),
    )


async def _take_turns(servers: dict[str, _Server], kind: str, rounds: int) -> Measured:
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for index in range(-1, rounds):
        shift = index % len(NAMES)
        for name in (*NAMES[shift:], *NAMES[:shift]):
            rate = await servers[name].load(kind, SECONDS)
            if index >= 0:
                found[name].append(rate)
    return Measured({name: tuple(rates) for name, rates in found.items()})
