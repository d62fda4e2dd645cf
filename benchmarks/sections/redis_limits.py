"""Rate limits in Redis: round trips, on the clock of the wall."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from benchmarks.options import Options
from benchmarks.report import Budget, Row
from benchmarks.timing import Batch, interleave, repeat_async
from tests.services import find
from tests.services.process import die_with_parent, free_port
from zenith.kernel.keys import Secret
from zenith.rate_limits import Hit, Limit
from zenith.stores.redis import RedisRateLimitStore, connect_redis
from zenith.stores.settings import RedisSettings

TITLE = "Rate limits in Redis (wall time)"
ROUNDS = 40
PATIENCE = 10.0
ENOUGH = 100_000_000


@asynccontextmanager
async def _server(program: Path) -> AsyncIterator[Any]:
    """A client of a server of our own, in memory only."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="zenith-bench-") as folder:
        process = subprocess.Popen(  # noqa: ASYNC220  returns at once
            [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  no threads yet
        )
        client: Any = connect_redis(RedisSettings(url=Secret(f"redis://127.0.0.1:{port}/0")))
        try:
            await _answers(client)
            yield client
        finally:
            await client.aclose()
            process.terminate()
            process.wait()


async def _answers(client: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            await client.ping()
        except RedisConnectionError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)
        else:
            return


def _hits(store: RedisRateLimitStore, count: int, most: int = ENOUGH) -> Batch:
    hits = [Hit(Limit(most + number, 60, name=f"bench{count}"), "a") for number in range(count)]
    return repeat_async(lambda: store.hit(hits))


async def measure(options: Options) -> AsyncIterator[Row]:
    """One and three limits and a refused client, against the shortest round trip there is."""
    program = find.redis()
    if program is None:
        print("  left out: redis-server is not installed")
        return
    async with _server(program) as client:
        store = RedisRateLimitStore(client, key=os.urandom(32))
        found = await interleave(
            {
                "ping": repeat_async(client.ping),
                "1 limit": _hits(store, 1),
                "3 limits": _hits(store, 3),
                "a client already refused": _hits(store, 2, most=1),
            },
            rounds=options.rounds(ROUNDS),
            milliseconds=10.0,
            clock=time.perf_counter_ns,
        )
    for name, budget in (("1 limit", 1.35), ("3 limits", 1.35), ("a client already refused", 0.1)):
        ratio, spread = found.ratio(name, "ping")
        yield Row(
            name=f"hit, {name}",
            ours=found.of(name),
            peer_name="PING",
            peer=found.of("ping"),
            ratio=ratio,
            spread=spread,
            budget=Budget(value=budget),
        )
